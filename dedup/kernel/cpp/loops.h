// The loops that the vector units carry, in plain C++. Included once per instruction set, inside a namespace of its own
// and with the compiler told of that set; see levels.h. VECTORS is how many vectors of VECTOR_BYTES signing may keep,
// three registers each. No intrinsics: the compiler's own vectors are as fast here, and
// the same text serves every machine. The loops are written for it: fixed trip counts, no branch inside, no aliasing.
// Meaning: reference.py, function by function. Nothing here checks a bound; the callers do.

static inline uint64_t fmix64(uint64_t h) {
    h ^= h >> 33;
    h *= 0xFF51AFD7ED558CCDull;
    h ^= h >> 33;
    h *= 0xC4CEB9FE1A85EC53ull;
    return h ^ h >> 33;
}

static inline uint32_t fmix32(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}

static inline uint64_t absorb(uint64_t h, uint64_t code) {
    h = (h + code + 1) * GOLDEN;
    return h ^ h >> 29;
}

// Whether code points, eight or more, take two columns each; *widths* are 1 or 2.
static inline bool are_wide(const uint8_t* widths, size_t count) {
    constexpr uint64_t TWOS = 0x0202020202020202ull;
    uint64_t word, all;
    std::memcpy(&all, widths + count - sizeof all, sizeof all);
    for (size_t at = 0; at + sizeof word < count; at += sizeof word) {
        std::memcpy(&word, widths + at, sizeof word);
        all &= word;
    }
    return (all & TWOS) == TWOS;
}

// The hashes of shingles of *half* code points at least, which is known beforehand where KNOWN is not 0.
template <int KNOWN>
static inline void hash_from(const uint32_t* RESTRICT codes, const uint8_t* RESTRICT widths, int size, int given,
                             uint64_t* RESTRICT hashes) {
    const int half = KNOWN ? KNOWN : given;
    const uint16_t whole = static_cast<uint16_t>(size);
    for (int group = 0; group < LANES; group += GROUP) {
        uint64_t h[GROUP] = {0};
        for (int step = 0; step < half; step++) {
            const uint32_t* RESTRICT ahead = codes + group + step;
            for (int i = 0; i < GROUP; i++) h[i] = absorb(h[i], ahead[i]);
        }
        if (are_wide(widths + group, GROUP - 1 + static_cast<size_t>(half))) {  // as most groups are
            for (int i = 0; i < GROUP; i++) hashes[group + i] = fmix64(h[i] + static_cast<uint64_t>(half));
            continue;
        }
        uint16_t spanned[GROUP] = {0}, lengths[GROUP], grows[GROUP];
        for (int step = 0; step < half; step++) {
            const uint8_t* RESTRICT wide = widths + group + step;
            for (int i = 0; i < GROUP; i++) spanned[i] = static_cast<uint16_t>(spanned[i] + wide[i]);
        }
        for (int i = 0; i < GROUP; i++) lengths[i] = static_cast<uint16_t>(half);
        for (int step = half;; step++) {
            uint16_t any = 0;
            for (int i = 0; i < GROUP; i++) {
                grows[i] = spanned[i] < whole ? 0xFFFF : 0;
                any |= grows[i];
            }
            if (!any) break;
            const uint8_t* RESTRICT wide = widths + group + step;
            const uint32_t* RESTRICT ahead = codes + group + step;
            for (int i = 0; i < GROUP; i++) {
                spanned[i] = static_cast<uint16_t>(spanned[i] + (wide[i] & grows[i]));
                lengths[i] = static_cast<uint16_t>(lengths[i] + (grows[i] & 1));
            }
            for (int i = 0; i < GROUP; i++) {
                const uint64_t mask = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int16_t>(grows[i])));
                h[i] = (absorb(h[i], ahead[i]) & mask) | (h[i] & ~mask);
            }
        }
        for (int i = 0; i < GROUP; i++) hashes[group + i] = fmix64(h[i] + lengths[i]);
    }
}

// The hashes of the shingles that begin at LANES positions in a row: of the fewest code points that span *size* columns.
//   codes, widths: LANES + size - 1 elements can be read; widths are 1 or 2. Where a shingle ends the caller must know.
static void hash_positions(const uint32_t* codes, const uint8_t* widths, int size, uint64_t* hashes) {
    const int half = (size + 1) / 2;  // as many code points as every shingle has, and if all are wide no more
    if (half == 4)  // as it is unless somebody wishes otherwise: what is hashed then stays in registers
        hash_from<4>(codes, widths, size, half, hashes);
    else
        hash_from<0>(codes, widths, size, half, hashes);
}

// The upper halves of hashes, mixed: what affine32 permutes.
static void signable(const uint64_t* RESTRICT hashes, size_t count, uint32_t* RESTRICT mixed) {
    for (size_t i = 0; i < count; i++) mixed[i] = fmix32(static_cast<uint32_t>(hashes[i] >> 32));
}

template <int WIDTH>
static inline void sign_some(const uint32_t* RESTRICT mixed, size_t count, const uint32_t* RESTRICT a,
                             const uint32_t* RESTRICT b, uint32_t* RESTRICT signature) {
    uint32_t factor[WIDTH], summand[WIDTH], least[WIDTH];  // these stay in registers over the loop
    for (int k = 0; k < WIDTH; k++) factor[k] = a[k], summand[k] = b[k], least[k] = signature[k];
    for (size_t i = 0; i < count; i++) {
        const uint32_t x = mixed[i];
        for (int k = 0; k < WIDTH; k++) {
            const uint32_t value = factor[k] * x + summand[k];
            least[k] = value < least[k] ? value : least[k];
        }
    }
    for (int k = 0; k < WIDTH; k++) signature[k] = least[k];
}

#ifdef VECTORS
// The same with the registers spelled out: left to itself the compiler keeps these arrays in memory, four times slower.
typedef uint32_t Vector __attribute__((vector_size(VECTOR_BYTES)));
constexpr int VECTOR_WIDTH = VECTOR_BYTES / 4;

template <int COUNT>
static inline void sign_vectors(const uint32_t* RESTRICT mixed, size_t count, const uint32_t* RESTRICT a,
                                const uint32_t* RESTRICT b, uint32_t* RESTRICT signature) {
    Vector factor[COUNT], summand[COUNT], least[COUNT];
#pragma GCC unroll 8
    for (int k = 0; k < COUNT; k++) {
        std::memcpy(&factor[k], a + k * VECTOR_WIDTH, sizeof(Vector));
        std::memcpy(&summand[k], b + k * VECTOR_WIDTH, sizeof(Vector));
        std::memcpy(&least[k], signature + k * VECTOR_WIDTH, sizeof(Vector));
    }
    for (size_t i = 0; i < count; i++) {
        const uint32_t x = mixed[i];
#pragma GCC unroll 8
        for (int k = 0; k < COUNT; k++) {
            const Vector value = factor[k] * x + summand[k];
            least[k] = value < least[k] ? value : least[k];
        }
    }
#pragma GCC unroll 8
    for (int k = 0; k < COUNT; k++) std::memcpy(signature + k * VECTOR_WIDTH, &least[k], sizeof(Vector));
}

// The last vectors, fewer than VECTORS: together, as one alone would wait for its own minimum.
template <int COUNT>
static inline size_t sign_last(const uint32_t* mixed, size_t count, const uint32_t* a, const uint32_t* b, size_t whole,
                               uint32_t* signature) {
    if constexpr (COUNT > 0) {
        if (whole < COUNT) return sign_last<COUNT - 1>(mixed, count, a, b, whole, signature);
        sign_vectors<COUNT>(mixed, count, a, b, signature);
    }
    return COUNT * VECTOR_WIDTH;
}
#endif

// Lowers *signature* to the least value of each permutation over *mixed*.
static void sign(const uint32_t* mixed, size_t count, const uint32_t* a, const uint32_t* b, size_t num_perm,
                 uint32_t* signature) {
    size_t k = 0;
#ifdef VECTORS
    for (; k + VECTORS * VECTOR_WIDTH <= num_perm; k += VECTORS * VECTOR_WIDTH)
        sign_vectors<VECTORS>(mixed, count, a + k, b + k, signature + k);
    k += sign_last<VECTORS - 1>(mixed, count, a + k, b + k, (num_perm - k) / VECTOR_WIDTH, signature + k);
#endif
    for (; k + 16 <= num_perm; k += 16) sign_some<16>(mixed, count, a + k, b + k, signature + k);
    for (; k < num_perm; k++) sign_some<1>(mixed, count, a + k, b + k, signature + k);
}

// Lowers *signature* to another where that is less.
static void lower(const uint32_t* RESTRICT other, size_t count, uint32_t* RESTRICT signature) {
    for (size_t i = 0; i < count; i++) signature[i] = other[i] < signature[i] ? other[i] : signature[i];
}

// Adds to both sums the code points of a piece of a segment whose first place in the segment is *place*; *weights* are
// those of the places from there, as many as DIGEST_PLACES holds, and computed where they end.
static void digest(const uint32_t* RESTRICT codes, size_t count, uint64_t* RESTRICT sums,
                   const uint64_t* RESTRICT weights0, const uint64_t* RESTRICT weights1) {
    const size_t known = count < DIGEST_PLACES ? count : DIGEST_PLACES;
    uint64_t sum0 = 0, sum1 = 0;
    for (size_t i = 0; i < known; i++) {
        sum0 += fmix64(codes[i] + DIGEST_SALT0) * weights0[i];
        sum1 += fmix64(codes[i] + DIGEST_SALT1) * weights1[i];
    }
    for (size_t i = known; i < count; i++) {
        sum0 += fmix64(codes[i] + DIGEST_SALT0) * (fmix64(i * GOLDEN + DIGEST_SALT0) | 1);
        sum1 += fmix64(codes[i] + DIGEST_SALT1) * (fmix64(i * GOLDEN + DIGEST_SALT1) | 1);
    }
    sums[0] = fmix64(sum0 + count * GOLDEN);
    sums[1] = fmix64(sum1 + count * GOLDEN);
}

// The band keys of 8 signatures: keys[band * stride + lane].
static void band_keys(const uint32_t* RESTRICT signatures, size_t num_perm, size_t bands, size_t rows,
                      uint64_t* RESTRICT keys, size_t stride) {
    for (size_t band = 0; band < bands; band++) {
        uint64_t key[8];
        const uint64_t seed = fmix64(band + 1);
        for (int lane = 0; lane < 8; lane++) key[lane] = seed;
        for (size_t row = band * rows; row < (band + 1) * rows; row++)
            for (int lane = 0; lane < 8; lane++) key[lane] = absorb(key[lane], signatures[lane * num_perm + row]);
        for (int lane = 0; lane < 8; lane++) keys[band * stride + lane] = fmix64(key[lane]);
    }
}

template <int WIDTH>
static inline void row_keys_some(const uint32_t* RESTRICT signature, size_t bands, size_t rows,
                                 const uint64_t* RESTRICT seeds, uint64_t* RESTRICT keys) {
    uint64_t key[WIDTH];
    for (int lane = 0; lane < WIDTH; lane++) key[lane] = seeds[lane];
    for (size_t row = 0; row < rows; row++)
        for (int lane = 0; lane < WIDTH; lane++) key[lane] = absorb(key[lane], signature[row * bands + lane]);
    for (int lane = 0; lane < WIDTH; lane++) keys[lane] = fmix64(key[lane]);
}

// The band keys of one signature that lies row by row, [rows, bands]; 8 elements more than it has can be read. *seeds*
// and *keys* have room for a multiple of 8 bands.
static void row_keys(const uint32_t* signature, size_t bands, size_t rows, const uint64_t* seeds, uint64_t* keys) {
    size_t band = 0;
    for (; band + 32 <= bands; band += 32)
        row_keys_some<32>(signature + band, bands, rows, seeds + band, keys + band);
    for (; band < bands; band += 8) row_keys_some<8>(signature + band, bands, rows, seeds + band, keys + band);
}

// How many columns code points take, in whole blocks as far as all of them are known: 2 those of the run of wide ones, 1
// those below *narrow*. How many are known.
static size_t columns(const uint32_t* RESTRICT codes, size_t count, uint32_t first, uint32_t run, uint32_t narrow,
                      uint8_t* RESTRICT found) {
    size_t low = 0;
    for (; low + COLUMNS_BLOCK <= count; low += COLUMNS_BLOCK) {
        const uint32_t* RESTRICT code = codes + low;
        uint8_t* RESTRICT out = found + low;
        uint32_t unknown = 0;
        for (int i = 0; i < COLUMNS_BLOCK; i++) unknown |= ((code[i] - first >= run) & (code[i] >= narrow)) ? 1u : 0u;
        for (int i = 0; i < COLUMNS_BLOCK; i++) out[i] = code[i] - first < run ? 2 : 1;
        if (unknown) break;
    }
    return low;
}

static inline int32_t ones(uint64_t bits) {
#if defined(__GNUC__)
    return __builtin_popcountll(bits);
#else
    bits -= bits >> 1 & 0x5555555555555555ull;
    bits = (bits & 0x3333333333333333ull) + (bits >> 2 & 0x3333333333333333ull);
    return static_cast<int32_t>((bits + (bits >> 4) & 0x0F0F0F0F0F0F0F0Full) * 0x0101010101010101ull >> 56);
#endif
}

// More shingles than this two sets of these sizes cannot share: every bit that only one of them has is one less.
static int32_t most_shared(const uint64_t* one, int32_t one_size, const uint64_t* other, int32_t other_size) {
    int32_t one_lacks = 0, other_lacks = 0;
    for (size_t i = 0; i < BRIEF_WORDS; i++) {
        one_lacks += ones(other[i] & ~one[i]);
        other_lacks += ones(one[i] & ~other[i]);
    }
    const int32_t by_one = one_size - other_lacks, by_other = other_size - one_lacks;
    return by_one < by_other ? by_one : by_other;
}

// How many bytes are 0 before one that is not. Words are tested, as to bring vectors together takes as long as they do.
template <size_t COUNT>
static inline size_t zeros(const uint8_t* RESTRICT bytes) {
    constexpr size_t WORD = 8;
    uint64_t words[COUNT / WORD], any = 0;
    std::memcpy(words, bytes, COUNT);
    for (size_t i = 0; i < COUNT / WORD; i++) any |= words[i];
    if (!any) return COUNT;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    size_t zero = 0;
    uint64_t first = 0;
    for (size_t i = COUNT / WORD; i-- > 0;) {  // no branch: which word is the first cannot be foreseen
        zero = words[i] ? i * WORD : zero;
        first = words[i] ? words[i] : first;
    }
    zero += static_cast<size_t>(__builtin_ctzll(first)) / 8;
#else
    size_t zero = 0;
    while (!bytes[zero]) zero++;
#endif
    return zero;
}

// Whether a byte stands in a string of JSON for itself: is no quote, no backslash, no control character.
static inline bool is_plain(uint8_t byte) { return (byte >= 0x20) & (byte != '"') & (byte != '\\'); }

// How many bytes are plain from the first on.
static size_t plain_json(const uint8_t* RESTRICT bytes, size_t count) {
    constexpr size_t BLOCK = 64;
    uint8_t odd[BLOCK];
    size_t at = 0;
    for (; count - at >= BLOCK; at += BLOCK) {
        for (size_t i = 0; i < BLOCK; i++) odd[i] = !is_plain(bytes[at + i]);
        const size_t plain = zeros<BLOCK>(odd);
        if (plain < BLOCK) return at + plain;
    }
    while (at < count && is_plain(bytes[at])) at++;
    return at;
}

// The code point that begins at *utf8*, of which *count* bytes can be read; how many bytes it has, 0 where none is sound.
static inline size_t code_point(const uint8_t* RESTRICT utf8, size_t count, uint32_t& code) {
    const uint32_t first = utf8[0];
    code = first;
    if (first < 0x80) return 1;
    if (first < 0xC2 || count < 2 || (utf8[1] & 0xC0) != 0x80) return 0;
    code = (first & 0x1F) << 6 | (utf8[1] & 0x3Fu);
    if (first < 0xE0) return 2;
    if (count < 3 || (utf8[2] & 0xC0) != 0x80) return 0;
    code = (first & 0x0F) << 12 | (utf8[1] & 0x3Fu) << 6 | (utf8[2] & 0x3Fu);
    if (first < 0xF0) return code >= 0x800 && code >> 11 != 0x1B ? 3 : 0;
    if (count < 4 || (utf8[3] & 0xC0) != 0x80) return 0;
    code = (first & 0x07) << 18 | (utf8[1] & 0x3Fu) << 12 | (utf8[2] & 0x3Fu) << 6 | (utf8[3] & 0x3Fu);
    return first < 0xF5 && code >= 0x10000 && code < 0x110000 ? 4 : 0;
}

// The code points of *count* bytes of UTF-8, of which there is room for *room*, up to what is not sound or has no room
// or, in a string of *JSON*, is not plain. Most text is ASCII or has three bytes a character, for a while at least: such
// runs need no branch a character, and of those that end sooner what comes before their end is taken.
template <bool JSON>
static inline Decoded decode_utf8(const uint8_t* RESTRICT utf8, size_t count, uint32_t* RESTRICT codes, size_t room) {
    constexpr size_t RUN = 32;
    uint8_t odd[RUN];
    size_t at = 0, out = 0;
    while (at < count) {
        const uint8_t* RESTRICT some = utf8 + at;
        uint32_t* RESTRICT to = codes + out;
        if (room - out >= RUN && count - at >= RUN && some[0] < 0x80) {
            for (size_t i = 0; i < RUN; i++) {
                const uint8_t byte = some[i];
                odd[i] = static_cast<uint8_t>((byte & 0x80) | (JSON && !is_plain(byte)));
                to[i] = byte;
            }
            const size_t good = zeros<RUN>(odd);
            at += good;
            out += good;
            if (good == RUN) continue;
        } else if (room - out >= RUN && count - at >= 3 * RUN && (some[0] & 0xF0) == 0xE0) {
            uint8_t first[RUN], second[RUN], third[RUN];
            for (size_t i = 0; i < RUN; i++) {
                first[i] = some[3 * i];
                second[i] = some[3 * i + 1];
                third[i] = some[3 * i + 2];
            }
            for (size_t i = 0; i < RUN; i++) {
                const uint8_t shape = static_cast<uint8_t>(((first[i] & 0xF0) ^ 0xE0) | ((second[i] & 0xC0) ^ 0x80) | ((third[i] & 0xC0) ^ 0x80));
                // none is below 0x800, none a surrogate
                const uint8_t low = (first[i] == 0xE0) & (second[i] < 0xA0), half = (first[i] == 0xED) & (second[i] >= 0xA0);
                odd[i] = static_cast<uint8_t>(shape | low | half);
            }
            uint16_t code[RUN];
            for (size_t i = 0; i < RUN; i++)
                code[i] = static_cast<uint16_t>(first[i] << 12 | (second[i] & 0x3F) << 6 | (third[i] & 0x3F));
            for (size_t i = 0; i < RUN; i++) to[i] = code[i];
            const size_t good = zeros<RUN>(odd);
            at += 3 * good;
            out += good;
            if (good == RUN) continue;
        }
        // one at least, and on to where a run seems to begin
        for (const size_t stop = count - at < RUN ? count : at + RUN; at < stop;) {
            if (JSON && !is_plain(utf8[at])) return {at, out};
            uint32_t code;
            const size_t bytes = code_point(utf8 + at, count - at, code);
            if (!bytes || out == room) return {at, out};
            codes[out++] = code;
            at += bytes;
            if (bytes != 3 && count - at > 3 && (utf8[at] & utf8[at + 3] & 0xF0) == 0xE0) break;
        }
    }
    return {at, out};
}

static Decoded decoded(const uint8_t* utf8, size_t count, uint32_t* codes, size_t room) {
    return decode_utf8<false>(utf8, count, codes, room);
}

static Decoded decoded_json(const uint8_t* utf8, size_t count, uint32_t* codes, size_t room) {
    return decode_utf8<true>(utf8, count, codes, room);
}

// What WIDTHS tells of a code point that a unit is: whether it is neither half nor of unknown width.
template <bool WIDTHS>
static inline bool is_odd(uint16_t unit, const Widths& known) {
    const bool half = (unit & 0xF800) == 0xD800;
    return WIDTHS ? half | ((static_cast<uint16_t>(unit - known.first) >= known.run) & (unit >= known.narrow)) : half;
}

// The code points of *count* units of UTF-16, and how many columns each takes. TRANSCODED at a time as far as none of
// them is odd, and what is odd one by one.
template <bool WIDTHS>
static inline size_t decode_some(const uint16_t* RESTRICT units, size_t count, size_t room, const Widths& known,
                                 uint32_t* RESTRICT codes, uint8_t* RESTRICT widths) {
    const uint16_t first = known.first, run = known.run;
    uint8_t odd[TRANSCODED];
    size_t at = 0, out = 0;
    while (at < count) {
        if (room - at >= TRANSCODED) {
            const uint16_t* RESTRICT some = units + at;
            uint32_t* RESTRICT to = codes + out;
            for (size_t i = 0; i < TRANSCODED; i++) to[i] = some[i];
            if (WIDTHS) {
                uint8_t* RESTRICT columns = widths + out;
                for (size_t i = 0; i < TRANSCODED; i++)
                    columns[i] = static_cast<uint16_t>(some[i] - first) < run ? 2 : 1;
            }
            for (size_t i = 0; i < TRANSCODED; i++) odd[i] = is_odd<WIDTHS>(some[i], known);
            const size_t left = count - at, zero = zeros<TRANSCODED>(odd), plain = zero < left ? zero : left;
            at += plain;
            out += plain;
            if (plain == TRANSCODED || at == count) continue;
        }
        do {
            const uint32_t high = units[at] - 0xD800u, low = count - at > 1 ? units[at + 1] - 0xDC00u : 0x400;
            const bool pair = high < 0x400 && low < 0x400;
            const uint32_t code = pair ? 0x10000 + (high << 10) + low : units[at];
            if (WIDTHS) widths[out] = known.flags[code] & known.flag ? 2 : 1;
            codes[out++] = code;
            at += pair ? 2 : 1;
        } while (at < count && (room - at < TRANSCODED || is_odd<WIDTHS>(units[at], known)));
    }
    return out;
}

// Writes the code points of *count* units of UTF-16 and, unless *widths* is null, how many columns each takes; how many
// code points these are. *room* units can be read and as many elements of each kind be written: more are than count.
static size_t decode(const uint16_t* units, size_t count, size_t room, const Widths& known, uint32_t* codes,
                     uint8_t* widths) {
    return widths ? decode_some<true>(units, count, room, known, codes, widths)
                  : decode_some<false>(units, count, room, known, codes, widths);
}

// Code points as units of UTF-16, up to the first that is not one unit; how many these are. There is room for *count*.
static size_t narrow(const uint32_t* RESTRICT codes, size_t count, uint16_t* RESTRICT units) {
    size_t done = 0;
    for (; done + TRANSCODED <= count; done += TRANSCODED) {
        uint32_t any = 0;
        for (size_t i = 0; i < TRANSCODED; i++) {
            const uint32_t code = codes[done + i];
            units[done + i] = static_cast<uint16_t>(code);
            any |= (code >> 16) | ((code & 0xF800) == 0xD800 ? 0xFFFFFFFFu : 0);
        }
        if (any) break;
    }
    for (; done < count && !(codes[done] >> 16) && (codes[done] & 0xF800) != 0xD800; done++)
        units[done] = static_cast<uint16_t>(codes[done]);
    return done;
}

// All bits of some code points.
static uint32_t bits_of(const uint32_t* RESTRICT codes, size_t count) {
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++) bits |= codes[i];
    return bits;
}

// Whether an element ends a line, or is no code point.
static inline bool breaks(uint32_t code) {
    return (code == 0x0A) | (code == 0x0D) | ((code | 1) == 0x2029) | (code >= 0x110000);
}

// How many code points come before one that ends a line, or what is none.
static size_t before_break(const uint32_t* RESTRICT codes, size_t count) {
    constexpr size_t BLOCK = 64;
    uint8_t odd[BLOCK];
    size_t at = 0;
    for (; count - at >= BLOCK; at += BLOCK) {
        for (size_t i = 0; i < BLOCK; i++) odd[i] = breaks(codes[at + i]);
        const size_t other = zeros<BLOCK>(odd);
        if (other < BLOCK) return at + other;
    }
    while (at < count && !breaks(codes[at])) at++;
    return at;
}

// How many of some code points below 0x110000 have a *flag*. Those of a run have it, ASCII has not: where there is
// nothing else no look-up is needed.
static size_t wide_chars(const uint32_t* RESTRICT codes, size_t count, uint32_t first, uint32_t run,
                         const uint16_t* RESTRICT flags, uint16_t flag) {
    constexpr size_t BLOCK = 32;  // loops of 16 and fewer steps are unrolled before they can become vectors
    uint32_t last[BLOCK];
    size_t all = 0;
    for (size_t at = 0; at < count; at += BLOCK) {
        const uint32_t* some = codes + at;
        if (count - at < BLOCK) {
            for (size_t i = 0; i < BLOCK; i++) last[i] = 0;
            std::memcpy(last, some, (count - at) * sizeof *last);
            some = last;
        }
        uint32_t wide = 0, known = 0;
        for (size_t i = 0; i < BLOCK; i++) {
            const uint32_t inside = some[i] - first < run ? 1 : 0;
            wide += inside;
            known += inside | (some[i] < 0x80 ? 1u : 0u);
        }
        all += wide;
        for (size_t i = 0; known < BLOCK; i++) {
            if (some[i] - first < run || some[i] < 0x80) continue;
            all += flags[some[i]] & flag ? 1 : 0;
            known++;
        }
    }
    return all;
}

// The words of up to FOLDED code points, put between two words that come before them and one behind them; and which of
// them do not fold to what they map to, or to nothing if they are marks, whatever stands elsewhere. A blank between two
// of ASCII, the first perhaps before a mark, folds to a blank.
static void fold_words(const uint32_t* RESTRICT codes, size_t count, const uint32_t* RESTRICT words,
                       uint32_t* RESTRICT known, uint8_t* RESTRICT stops) {
    using namespace folding;
    for (size_t i = 0; i < count; i++) known[2 + i] = words[codes[i]];
    for (size_t i = count + 1; i < FOLDED + 1; i++) known[2 + i] = 0;
    for (size_t i = 0; i < FOLDED; i++) {
        const uint32_t word = known[2 + i], before = known[1 + i], first = known[i], next = known[3 + i];
        const uint32_t special = (word & SPECIAL) | (word & P_MARK & (before & P_DECIMAL) << 3);
        const uint32_t behind = before & P_MARK ? first : before;  // what the blank stands behind
        const uint32_t stays = (word & (P_SPACE | P_HARD)) ^ P_SPACE;  // 0 where it does, as the next two
        const uint32_t others = (before | behind | next) & SPECIAL;
        const uint32_t ascii = (shows_as_ascii(behind) ? 1u : 0u) & (shows_as_ascii(next) ? 1u : 0u);
        stops[i] = special != 0 && ((stays | others) != 0 || !ascii) ? 1 : 0;
    }
}

// What a table reads for up to READ code points of a line, behind the place of the one before them; and what it reads for
// nothing behind them. Whether all of them are code points and seen.
static inline bool look_up(const uint32_t* RESTRICT codes, size_t count, const uint32_t* RESTRICT table,
                           uint32_t* RESTRICT word) {
    constexpr uint32_t FILLING = 0x61;
    if ((count == READ ? bits_of(codes, READ) : bits_of(codes, count)) >= 0x110000) return false;
    for (size_t i = 0; i < count; i++) word[i] = table[codes[i]];
    for (size_t i = count; i < READ; i++) word[i] = FILLING;
    uint32_t unseen = 0;
    for (size_t i = 0; i < READ; i++) unseen |= word[i] == 0 ? 1u : 0u;
    return !unseen;
}

// Looks at up to *count* code points of a line, at most READ, up to what ends it or is no code point; how many these are.
// *room* can be read.
static size_t outline_some(const uint32_t* RESTRICT codes, size_t count, size_t room, const uint16_t* RESTRICT table,
                           uint16_t openers, Reading& line) {
    size_t stop = count;
    if (room < READ) {
        stop = 0;
        while (stop < count && !breaks(codes[stop])) stop++;
    } else {
        uint32_t any = 0;
        for (size_t i = 0; i < READ; i++) any |= breaks(codes[i]) ? 1u : 0u;
        if (any) {
            uint8_t odd[READ];
            for (size_t i = 0; i < READ; i++) odd[i] = breaks(codes[i]);
            const size_t first = zeros<READ>(odd);
            stop = first < count ? first : count;
        }
    }
    uint16_t told[READ + 1] = {0}, every = 0;  // behind what comes before; nothing is told of what is behind the last
    uint16_t* const word = told + 1;
#if defined(__GNUC__)
#pragma GCC unroll 8
#endif
    for (size_t i = 0; i < stop; i++) every |= word[i] = table[codes[i]];
    line.every = every;
    if (every & UNSEEN) {
        for (size_t i = 0; i < stop; i++) {
            if (word[i] & UNSEEN) continue;
            line.told = static_cast<uint16_t>((line.told << 1 | openers) & word[i] & SIGNS);
            line.signs |= line.told;
            if (!(word[i] & WHITE) || !line.blank) line.chars++;
            line.blank = word[i] & WHITE;
        }
        return stop;
    }
    if (!stop) return 0;
    line.chars += static_cast<int64_t>(stop);
    if (every & WHITE) {
        uint16_t dropped = 0;
        told[0] = line.blank ? WHITE : 0;
        for (size_t i = 0; i < READ; i++) dropped = static_cast<uint16_t>(dropped + ((word[i] & told[i] & WHITE) ? 1 : 0));
        line.chars -= dropped;
    }
    line.blank = word[stop - 1] & WHITE;

    const uint16_t signs = every & SIGNS, others = SIGNS & ~openers;
    line.signs |= signs & openers;
    if ((signs | line.told) << 1 & signs & others) {  // some of a chain: each round one more of it is told
        uint16_t before[READ + 1], now[READ + 1];
        now[0] = before[0] = line.told;
        for (size_t i = 0; i < READ; i++) before[i + 1] = word[i] & openers;
        for (uint16_t changed = 1; changed;) {
            changed = 0;
            for (size_t i = 0; i < READ; i++) {
                const uint16_t one = static_cast<uint16_t>(word[i] & SIGNS & (before[i] << 1 | openers));
                changed |= static_cast<uint16_t>(one ^ before[i + 1]);
                now[i + 1] = one;
            }
            std::memcpy(before, now, sizeof before);
        }
        for (size_t i = 1; i <= READ; i++) line.signs |= now[i];
        line.told = now[stop];
    } else {
        line.told = word[stop - 1] & openers;
    }
    return stop;
}

// Reads up to READ code points of a line, see read_line in lines.h; null, and nothing done, where one of them is not seen
// or no code point, or the table gives none. *out* has room for four bytes each.
static uint8_t* read_some(const uint32_t* RESTRICT codes, size_t count, const uint32_t* RESTRICT table, bool& blank,
                          uint8_t* RESTRICT out) {
    constexpr uint32_t BLANK = 0x20, FILLING = 0x61;
    uint32_t read[READ + 1];  // behind what comes before
    uint32_t* RESTRICT const code = read + 1;
    if (!look_up(codes, count, table, code)) return nullptr;
    uint32_t every = 0, none = 0, odd = 0;
    for (size_t i = 0; i < READ; i++) {
        const uint32_t one = code[i];
        every |= one;
        none |= one >= 0x110000 ? 1u : 0u;
        odd |= one - 0x80 < 0x800 - 0x80 || one >= 0x10000 ? 1u : 0u;
    }
    if (none) return nullptr;
    read[0] = blank ? BLANK : FILLING;
    uint32_t dropped = 0;
    for (size_t i = 0; i < READ; i++) dropped += ((code[i] == BLANK) & (read[i] == BLANK)) ? 1 : 0;
    blank = code[count - 1] == BLANK;
    if (!dropped && every < 0x80) {
        uint8_t ascii[READ];
        for (size_t i = 0; i < READ; i++) ascii[i] = static_cast<uint8_t>(code[i]);
        std::memcpy(out, ascii, count);
        return out + count;
    }
    uint32_t bytes[READ];
    uint8_t size[READ];
    if (!odd)  // of one byte or of three, as most are
        for (size_t i = 0; i < READ; i++) {
            const uint32_t one = code[i];
            const uint32_t three = 0x8080E0 | one >> 12 | (one << 2 & 0x3F00) | (one << 16 & 0x3F0000);
            bytes[i] = one < 0x80 ? one : three;
            size[i] = one < 0x80 ? 1 : 3;
        }
    else
        for (size_t i = 0; i < READ; i++) {
            const uint32_t one = code[i];
            const uint32_t two = 0x80C0 | one >> 6 | (one << 8 & 0x3F00);
            const uint32_t three = 0x8080E0 | one >> 12 | (one << 2 & 0x3F00) | (one << 16 & 0x3F0000);
            const uint32_t four = 0x808080F0 | one >> 18 | (one >> 4 & 0x3F00) | (one << 10 & 0x3F0000) | (one << 24 & 0x3F000000);
            bytes[i] = one < 0x80 ? one : one < 0x800 ? two : one < 0x10000 ? three : four;
            size[i] = static_cast<uint8_t>(1 + (one >= 0x80) + (one >= 0x800) + (one >= 0x10000));
        }
    if (dropped)
        for (size_t i = 0; i < READ; i++) size[i] = ((code[i] == BLANK) & (read[i] == BLANK)) ? 0 : size[i];
    for (size_t i = 0; i < count; i++) {  // no branch: what is beyond its size is written over
        for (int byte = 0; byte < 4; byte++) out[byte] = static_cast<uint8_t>(bytes[i] >> 8 * byte);
        out += size[i];
    }
    return out;
}

const Loops loops = {hash_positions, signable, sign, digest, band_keys, most_shared,
                     row_keys, lower, plain_json, decoded, decoded_json, columns,
                     decode, narrow, bits_of, before_break, fold_words, outline_some,
                     read_some, wide_chars};
