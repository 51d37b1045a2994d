// Connected components of texts that share groups: reference.py, `components`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace components {

// The root of a text's tree; on the way every other text is hung one higher (path halving: Tarjan & van Leeuwen, Worst-case
// Analysis of Set Union Algorithms, 1984).
inline int64_t root(int64_t* parent, int64_t text) {
    while (parent[text] != text) {
        parent[text] = parent[parent[text]];
        text = parent[text];
    }
    return text;
}

// Trees of texts that are connected; no text hangs from one with a greater number.
class Forest {
  public:
    Forest(int64_t* parent, size_t texts) : parent_(parent), texts_(texts), first_(texts) {
        for (size_t i = 0; i < texts; i++) parent[i] = static_cast<int64_t>(i);
    }
    // Joins the texts of each group of one band; false where a group is none of -1 to texts - 1.
    bool join(const int32_t* groups) {
        std::fill(first_.begin(), first_.end(), -1);
        for (size_t text = 0; text < texts_; text++) {
            const int32_t group = groups[text];
            if (group == -1) continue;
            if (group < 0 || static_cast<size_t>(group) >= texts_) return false;
            int32_t& first = first_[static_cast<size_t>(group)];
            if (first < 0)
                first = static_cast<int32_t>(text);
            else
                unite(first, static_cast<int64_t>(text));
        }
        return true;
    }
    // Hangs every text from the smallest of its tree.
    void flatten() {
        for (size_t i = 0; i < texts_; i++) parent_[i] = parent_[parent_[i]];  // what a text hangs from is done already
    }

  private:
    void unite(int64_t one, int64_t other) {
        one = root(parent_, one);
        other = root(parent_, other);
        parent_[one > other ? one : other] = one > other ? other : one;
    }
    int64_t* parent_;
    size_t texts_;
    std::vector<int32_t> first_;  // the first text of each group
};

}  // namespace components
