// Records of JSONL whose lines are what they mostly are: json_reference.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "levels.h"
#include "lines.h"
#include "utf8.h"

namespace json {

constexpr int MOST_DEEP = 64;           // values within values
constexpr size_t MOST_OF_NUMBER = 32;   // bytes: no such number is too great for a double
constexpr size_t MOST_OF_EXPONENT = 2;  // digits

// Reads one line after the other. Whatever is unlike other lines, and whatever is no JSON, is left to other parsers.
class Reader {
  public:
    // *names*: the field of the text, then others.
    Reader(const uint8_t* raw, std::vector<std::string> names) : raw_(raw), names_(std::move(names)) {}

    // The line that starts at *at*, no later than *end*, where all of them do; *at* moves behind it. The code points of
    // its text go to *out*, which has room for one a byte; the places of the values of the other fields go to *spans*, -1
    // where there are none. False where it is left: no line feed is passed over then.
    bool line(size_t& at, size_t end, uint32_t*& out, int64_t* spans) {
        at_ = raw_ + at;
        end_ = raw_ + end;
        std::fill(spans, spans + 2 * (names_.size() - 1), -1);
        bool found = false;
        if (!sign('{')) return false;
        if (!sign('}')) {
            do {
                skip_white();
                if (!key()) return false;
                if (!sign(':')) return false;
                skip_white();
                const uint8_t* const start = at_;
                if (is(0)) {
                    if (found || !decoded(out)) return false;
                    found = true;
                } else if (!value(1)) {
                    return false;
                }
                for (size_t i = 1; i < names_.size(); i++)
                    if (is(i)) {  // of several with one name the last counts
                        spans[2 * i - 2] = start - raw_;
                        spans[2 * i - 1] = at_ - raw_;
                    }
            } while (sign(','));
            if (!sign('}')) return false;
        }
        skip_white();
        if (!found || (at_ < end_ && *at_ != '\n')) return false;
        at = static_cast<size_t>(at_ - raw_) + (at_ < end_);
        return true;
    }

    // What stands between *begin* and *end*, a string with its quotes: its text goes to *out*, which has room for as
    // much, and may be no UTF-8. False where anything else stands there.
    bool text(size_t begin, size_t end, uint8_t*& out) {
        at_ = raw_ + begin;
        end_ = raw_ + end;
        return unescaped(out) && at_ == end_;
    }

  private:
    bool is(size_t name) const {
        return names_[name].size() == key_size_ && std::memcmp(names_[name].data(), key_, key_size_) == 0;
    }
    void skip_white() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r')) at_++;
    }
    bool sign(char which) {
        skip_white();
        if (at_ == end_ || *at_ != static_cast<uint8_t>(which)) return false;
        at_++;
        return true;
    }

    // The name of a field, as it is meant.
    bool key() {
        const uint8_t* const begin = at_;
        bool escaped = false;
        if (!string(escaped)) return false;
        key_ = begin + 1;
        key_size_ = static_cast<size_t>(at_ - begin) - 2;
        if (!escaped) return true;
        meant_.resize(key_size_);
        const uint8_t* const behind = at_;
        at_ = begin;
        uint8_t* out = meant_.data();
        if (!unescaped(out)) return false;
        at_ = behind;
        key_ = meant_.data();
        key_size_ = static_cast<size_t>(out - meant_.data());
        return true;
    }

    bool value(int depth) {
        if (at_ == end_ || depth > MOST_DEEP) return false;
        bool escaped = false;
        switch (*at_) {
            case '"': return string(escaped);
            case '{':
            case '[': return many(depth);
            case 't': return word("true", 4);
            case 'f': return word("false", 5);
            case 'n': return word("null", 4);
            default: return number();
        }
    }

    bool many(int depth) {
        const bool is_object = *at_++ == '{';
        const char close = is_object ? '}' : ']';
        if (sign(close)) return true;
        do {
            skip_white();
            bool escaped = false;
            if (is_object && !(string(escaped) && sign(':'))) return false;
            skip_white();
            if (!value(depth + 1)) return false;
        } while (sign(','));
        return sign(close);
    }

    bool word(const char* which, size_t length) {
        if (static_cast<size_t>(end_ - at_) < length || std::memcmp(at_, which, length) != 0) return false;
        at_ += length;
        return true;
    }

    size_t digits() {
        const uint8_t* const begin = at_;
        while (at_ < end_ && *at_ >= '0' && *at_ <= '9') at_++;
        return static_cast<size_t>(at_ - begin);
    }

    bool number() {
        const uint8_t* const begin = at_;
        if (at_ < end_ && *at_ == '-') at_++;
        const bool zero = at_ < end_ && *at_ == '0';
        const size_t whole = digits();
        if (!whole || (zero && whole > 1)) return false;
        if (at_ < end_ && *at_ == '.') {
            at_++;
            if (!digits()) return false;
        }
        if (at_ < end_ && (*at_ | 0x20) == 'e') {
            at_++;
            if (at_ < end_ && (*at_ == '+' || *at_ == '-')) at_++;
            const size_t power = digits();
            if (!power || power > MOST_OF_EXPONENT) return false;
        }
        return static_cast<size_t>(at_ - begin) <= MOST_OF_NUMBER;
    }

    // A string that is not taken: whether it is sound.
    bool string(bool& escaped) {
        if (at_ == end_ || *at_ != '"') return false;
        at_++;
        for (;;) {
            const size_t run = plain();
            if (!utf8text::is_sound(at_, run)) return false;
            at_ += run;
            if (at_ == end_) return false;
            if (*at_ == '"') {
                at_++;
                return true;
            }
            uint32_t code;
            if (!escape(code)) return false;
            escaped = true;
        }
    }

    // A string as it is meant; that it is UTF-8 is not checked.
    bool unescaped(uint8_t*& out) {
        if (at_ == end_ || *at_ != '"') return false;
        at_++;
        for (;;) {
            const size_t run = plain();
            if (run) std::memcpy(out, at_, run);
            at_ += run;
            out += run;
            if (at_ == end_) return false;
            if (*at_ == '"') {
                at_++;
                return true;
            }
            uint32_t code;
            if (!escape(code)) return false;
            out = lines::put_utf8(code, out);  // the escape is as long at least
        }
    }

    // The code points of a string as it is meant, which is UTF-8.
    bool decoded(uint32_t*& out) {
        if (at_ == end_ || *at_ != '"') return false;
        at_++;
        for (;;) {
            const auto left = static_cast<size_t>(end_ - at_);
            const Decoded run = level->loops->decoded_json(at_, left, out, left);
            at_ += run.bytes;
            out += run.codes;
            if (at_ == end_) return false;
            if (*at_ == '"') {
                at_++;
                return true;
            }
            if (!escape(*out)) return false;
            out++;
        }
    }

    // How many bytes stand here before a quote, a backslash, a control character or the end of the line.
    size_t plain() const { return level->loops->plain_json(at_, static_cast<size_t>(end_ - at_)); }

    // An escape; half of a surrogate pair is none.
    bool escape(uint32_t& code) {
        if (*at_ != '\\' || end_ - at_ < 2) return false;
        at_ += 2;
        switch (at_[-1]) {
            case '"':
            case '\\':
            case '/': code = at_[-1]; return true;
            case 'b': code = '\b'; return true;
            case 'f': code = '\f'; return true;
            case 'n': code = '\n'; return true;
            case 'r': code = '\r'; return true;
            case 't': code = '\t'; return true;
            case 'u': break;
            default: return false;
        }
        if (!hex(code)) return false;
        if ((code & 0xFFFFF800) != 0xD800) return true;
        uint32_t low;
        if (code >= 0xDC00 || end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return false;
        at_ += 2;
        if (!hex(low) || (low & 0xFFFFFC00) != 0xDC00) return false;
        code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF));
        return true;
    }

    bool hex(uint32_t& code) {
        if (end_ - at_ < 4) return false;
        code = 0;
        for (int i = 0; i < 4; i++) {
            const uint8_t digit = *at_++, letter = digit | 0x20;
            if (digit >= '0' && digit <= '9') code = code << 4 | (digit - '0');
            else if (letter >= 'a' && letter <= 'f') code = code << 4 | (letter - 'a' + 10u);
            else return false;
        }
        return true;
    }

    const uint8_t *raw_, *at_ = nullptr, *end_ = nullptr;
    std::vector<std::string> names_;
    const uint8_t* key_ = nullptr;
    size_t key_size_ = 0;
    std::vector<uint8_t> meant_;
};

}  // namespace json
