// Equal keys, groups of texts, their components, and what two sets share.

#pragma once

#include "../components.h"
#include "../grouping.h"
#include "given.h"

namespace {

PyObject* collisions(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *groups_;
        unpack(args, "OO", &keys_, &groups_);
        const Hashes keys(keys_, "keys");
        const Array<int32_t> groups(groups_, "groups", 1, true);
        groups.must_have(keys.size());
        if (keys.size() > INT32_MAX) refuse("keys must be fewer than 2**31");
        without_gil([&] { grouping::collisions(keys.data(), keys.size(), groups.data()); });
        Py_RETURN_NONE;
    });
}

template <class Key>
void mark_repeated(PyObject* keys_, PyObject* found_) {
    const Array<Key> keys(keys_, "keys");
    const Array<uint8_t> found(found_, "found", 1, true);
    found.must_have(keys.size());
    if (keys.size() > INT32_MAX) refuse("keys must be fewer than 2**31");
    without_gil([&] { grouping::Repeated<Key>().mark(keys.data(), keys.size(), found.data()); });
}

PyObject* repeated(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *found_;
        int brief;
        unpack(args, "OpO", &keys_, &brief, &found_);
        (brief ? mark_repeated<uint32_t> : mark_repeated<uint64_t>)(keys_, found_);
        Py_RETURN_NONE;
    });
}

template <class Key>
void mark_bands(PyObject* keys_, PyObject* more_, const Array<int32_t>& column, const Hashes& salt, PyObject* found_) {
    const Array<Key> keys(keys_, "keys", 2), more(more_, "more keys", 2);
    const Array<uint8_t> found(found_, "found", 2, true);
    const size_t bands = keys.shape(0), columns = keys.shape(1), others = more.shape(1), texts = column.size();
    if (more.shape(0) != bands || found.shape(0) != bands) refuse("keys, more keys and found must have the same bands");
    if (found.shape(1) != texts) refuse("found must have a column for each text");
    if (salt.size()) salt.must_have(texts);
    if (texts > INT32_MAX) refuse("texts must be fewer than 2**31");
    must_be_places(column, "columns", columns + others);
    without_gil([&] {
        grouping::Repeated<Key> repeated;
        const std::unique_ptr<Key[]> own(new Key[texts]);
        const auto of = [&](const Key* first, const Key* rest, size_t i) {
            const size_t at = static_cast<size_t>(column[i]);
            return at < columns ? first[at] : rest[at - columns];
        };
        for (size_t band = 0; band < bands; band++) {
            const Key *const first = keys.data() + band * columns, *const rest = more.data() + band * others;
            if (salt.size())
                for (size_t i = 0; i < texts; i++)
                    own[i] = of(first, rest, i) ^ static_cast<Key>(salt[i] >> (64 - 8 * sizeof(Key)));
            else
                for (size_t i = 0; i < texts; i++) own[i] = of(first, rest, i);
            repeated.mark(own.get(), texts, found.data() + band * texts);
        }
    });
}

PyObject* repeated_bands(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *more_, *column_, *salt_, *found_;
        int brief;
        unpack(args, "OOOOpO", &keys_, &more_, &column_, &salt_, &brief, &found_);
        const Array<int32_t> column(column_, "columns");
        const Hashes salt(salt_, "salt");
        (brief ? mark_bands<uint32_t> : mark_bands<uint64_t>)(keys_, more_, column, salt, found_);
        Py_RETURN_NONE;
    });
}

template <class Key>
void mark_in_runs(PyObject* keys_, PyObject* more_, const Array<int32_t>& column, const Array<uint8_t>& asks,
                  const Offsets& runs, PyObject* found_) {
    const Array<Key> keys(keys_, "keys", 2), more(more_, "more keys", 2);
    const Array<uint8_t> found(found_, "found", 1, true);
    const size_t columns = keys.shape(1), others = more.shape(1);
    if (more.shape(0) != keys.shape(0)) refuse("keys and more keys must have the same bands");
    asks.must_have(column.size());
    found.must_have(column.size());
    if (column.size() > INT32_MAX) refuse("texts must be fewer than 2**31");
    must_be_places(column, "columns", columns + others);
    without_gil([&] {
        constexpr size_t TOGETHER = 4096;  // texts, unless a run has more: what is needed of a band stays in the cache
        std::fill(found.data(), found.data() + found.size(), 0);
        grouping::RepeatedInRuns<Key> repeated;
        std::vector<Key> own;
        std::vector<uint32_t> asking;
        std::vector<size_t> askers;  // those before each run
        for (size_t run = 0, next = 0; run < runs.segments(); run = next) {
            const size_t begin = runs.begin(run);
            while (next < runs.segments() && (next == run || runs.end(next) - begin <= TOGETHER)) next++;
            const size_t texts = runs.begin(next) - begin;
            asking.clear(), askers.assign(1, 0);
            for (size_t r = run; r < next; r++) {
                for (size_t i = runs.begin(r); i < runs.end(r); i++)
                    if (asks[i]) asking.push_back(static_cast<uint32_t>(i - begin));
                askers.push_back(asking.size());
            }
            if (asking.empty()) continue;
            own.resize(texts + grouping::RepeatedInRuns<Key>::WINDOW);
            const int32_t* const columns_of = column.data() + begin;
            for (size_t band = 0; band < keys.shape(0); band++) {
                const Key* const of[] = {keys.data() + band * columns, more.data() + band * others};
                for (size_t i = 0; i < texts; i++) {  // no branch: they lie in both without any order
                    const size_t at = static_cast<size_t>(columns_of[i]);
                    const bool beyond = at >= columns;
                    own[i] = of[beyond][at - (beyond ? columns : 0)];
                }
                for (size_t r = run; r < next; r++)
                    repeated.mark(own.data(), runs.begin(r) - begin, runs.end(r) - begin, asking.data() + askers[r - run],
                                  askers[r - run + 1] - askers[r - run], found.data() + begin);
            }
        }
    });
}

PyObject* repeated_in_runs(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *more_, *column_, *asks_, *runs_, *found_;
        int brief;
        unpack(args, "OOOOOpO", &keys_, &more_, &column_, &asks_, &runs_, &brief, &found_);
        const Array<int32_t> column(column_, "columns");
        const Array<uint8_t> asks(asks_, "asks");
        const Offsets runs(runs_, "runs", column.size());
        (brief ? mark_in_runs<uint32_t> : mark_in_runs<uint64_t>)(keys_, more_, column, asks, runs, found_);
        Py_RETURN_NONE;
    });
}

PyObject* intersections(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *sets_, *offsets_, *left_, *right_, *shared_;
        unpack(args, "OOOOO", &sets_, &offsets_, &left_, &right_, &shared_);
        const Hashes sets(sets_, "sets");
        const Offsets offsets(offsets_, "offsets", sets.size());
        const Array<int64_t> left(left_, "left"), right(right_, "right"), shared(shared_, "shared", 1, true);
        right.must_have(left.size());
        shared.must_have(left.size());
        must_be_places(left, "left", offsets.segments());
        must_be_places(right, "right", offsets.segments());
        without_gil([&] {
            for (size_t i = 0; i < left.size(); i++) {
                const size_t one = static_cast<size_t>(left[i]), other = static_cast<size_t>(right[i]);
                shared[i] = static_cast<int64_t>(
                    grouping::common(sets.data() + offsets.begin(one), sets.data() + offsets.end(one),
                                     sets.data() + offsets.begin(other), sets.data() + offsets.end(other)));
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* components(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *groups_, *found_;
        unpack(args, "OO", &groups_, &found_);
        const Array<int32_t> groups(groups_, "groups", 2);
        const Array<int64_t> found(found_, "components", 1, true);
        const size_t bands = groups.shape(0), texts = groups.shape(1);
        found.must_have(texts);
        if (texts > INT32_MAX) refuse("texts must be fewer than 2**31");
        without_gil([&] {
            components::Forest forest(found.data(), texts);
            for (size_t band = 0; band < bands; band++)
                if (!forest.join(groups.data() + band * texts))
                    refuse("groups must be dense numbers or -1, but are not in band " + std::to_string(band));
            forest.flatten();
        });
        Py_RETURN_NONE;
    });
}

PyObject* dense(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *groups_, *batch_, *numbered_;
        unpack(args, "OOO", &groups_, &batch_, &numbered_);
        const Array<int32_t> groups(groups_, "groups", 2), numbered(numbered_, "numbered", 2, true);
        const Array<int64_t> batch(batch_, "batch");
        const size_t bands = groups.shape(0), texts = groups.shape(1);
        if (numbered.shape(0) != bands || numbered.shape(1) != texts) refuse("numbered must have the shape of groups");
        batch.must_have(texts);
        if (texts > INT32_MAX) refuse("texts must be fewer than 2**31");
        for (size_t i = 0; i < texts; i++)
            if (batch[i] < 0 || static_cast<uint64_t>(batch[i]) >= texts) refuse("batches must be fewer than texts");
        without_gil([&] {
            std::vector<int32_t> number_of(texts), following(texts);
            for (size_t band = 0; band < bands; band++) {
                number_of.assign(texts, -1);
                following.assign(texts, 0);
                for (size_t i = 0; i < texts; i++) {
                    const int32_t group = groups[band * texts + i];
                    int32_t number = -1;
                    if (group >= 0) {
                        if (static_cast<size_t>(group) >= texts) refuse("groups must be dense numbers or -1");
                        int32_t& known = number_of[static_cast<size_t>(group)];
                        if (known < 0) known = following[static_cast<size_t>(batch[i])]++;
                        number = known;
                    } else if (group != -1) {
                        refuse("groups must be dense numbers or -1");
                    }
                    numbered[band * texts + i] = number;
                }
            }
        });
        Py_RETURN_NONE;
    });
}

}  // namespace
