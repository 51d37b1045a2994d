// Look-ups in sorted keys.

#pragma once

#include "../lookup.h"
#include "given.h"

namespace {

void must_be_a_filter(const Hashes& filter) {
    if (filter.shape(1) != lookup::LINE) refuse("a filter must have lines of 8 words");
}

PyObject* filter_lines(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *found_;
        Py_ssize_t lines, first;
        unsigned long long salt;
        unpack(args, "OnnKO", &keys_, &lines, &first, &salt, &found_);
        const Hashes keys(keys_, "keys"), found(found_, "filter lines", 2, true);
        must_be_a_filter(found);
        const size_t count = found.shape(0);
        if (lines < 0 || static_cast<uint64_t>(lines) >= lookup::MOST_LINES)
            refuse("a filter must have fewer than 2**32 lines, found " + std::to_string(lines));
        if (first < 0 || first > lines || count > static_cast<size_t>(lines - first))
            refuse("filter lines must lie within the filter of " + std::to_string(lines));
        const uint64_t begin = static_cast<uint64_t>(first), all = static_cast<uint64_t>(lines);
        without_gil([&] {
            std::fill(found.data(), found.data() + found.size(), 0);
            for (size_t i = 0; i < keys.size(); i++) {
                const uint64_t line = lookup::line_of(keys[i], all) - begin;
                if (line >= count) refuse("keys must belong into the filter lines that are asked for");
                lookup::add(found.data() + lookup::LINE * line, keys[i]);
            }
            for (size_t line = 0; line < count; line++) {
                uint64_t* words = found.data() + lookup::LINE * line;
                words[lookup::WORDS] = lookup::checksum(words, begin + line, salt);
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* filtered(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *filter_, *wanted_, *numbers_;
        unsigned long long salt;
        unpack(args, "OOKO", &filter_, &wanted_, &salt, &numbers_);
        const Hashes filter(filter_, "filter", 2), wanted(wanted_, "keys");
        const Array<int64_t> numbers(numbers_, "numbers", 1, true);
        must_be_a_filter(filter);
        numbers.must_have(wanted.size());
        if (filter.shape(0) >= lookup::MOST_LINES || (!filter.shape(0) && wanted.size()))
            refuse("a filter must have 1 to 2**32 lines, exclusive");
        size_t found = 0;
        int64_t damaged = -1;
        without_gil([&] {
            found = lookup::filtered(filter.data(), filter.shape(0), salt, wanted.data(), wanted.size(), numbers.data(),
                                     damaged);
        });
        return Py_BuildValue("nL", static_cast<Py_ssize_t>(found), static_cast<long long>(damaged));
    });
}

PyObject* find(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *blocks_, *first_, *sound_, *wanted_, *numbers_, *places_;
        Py_ssize_t entries;
        unpack(args, "OOOnOOO", &blocks_, &first_, &sound_, &entries, &wanted_, &numbers_, &places_);
        const Array<uint8_t> blocks(blocks_, "blocks"), sound(sound_, "sound");
        const Hashes first(first_, "first keys"), wanted(wanted_, "keys");
        const Array<int64_t> numbers(numbers_, "numbers", 1, true);
        const Array<uint32_t> places(places_, "places", 1, true);
        const size_t count = first.size();
        sound.must_have(count);
        places.must_have(numbers.size());
        if (blocks.size() % lookup::BLOCK_BYTES || blocks.size() / lookup::BLOCK_BYTES != count)
            refuse("blocks must have " + std::to_string(lookup::BLOCK_BYTES) + " bytes for each first key");
        if (entries < 0 || static_cast<size_t>(entries) > count * lookup::BLOCK)
            refuse("entries must be at most those of the blocks, found " + std::to_string(entries));
        ptrdiff_t hits = 0;
        without_gil([&] {
            hits = lookup::find(lookup::Blocks(blocks.data()), first.data(), sound.data(), count,
                                static_cast<size_t>(entries), wanted.data(), wanted.size(), numbers.data(),
                                places.data(), numbers.size());
        });
        return PyLong_FromSsize_t(hits);
    });
}

PyObject* merge_entries(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *places_, *offsets_, *merged_keys_, *merged_places_;
        unpack(args, "OOOOO", &keys_, &places_, &offsets_, &merged_keys_, &merged_places_);
        const Hashes keys(keys_, "keys"), merged_keys(merged_keys_, "merged keys", 1, true);
        const Array<uint32_t> places(places_, "places"), merged_places(merged_places_, "merged places", 1, true);
        const Offsets offsets(offsets_, "offsets", keys.size());
        places.must_have(keys.size());
        merged_keys.must_have(keys.size());
        merged_places.must_have(keys.size());
        without_gil([&] {
            std::vector<lookup::Row> rows;
            for (size_t row = 0; row < offsets.segments(); row++) {
                const size_t begin = offsets.begin(row);
                if (!std::is_sorted(keys.data() + begin, keys.data() + offsets.end(row)))
                    refuse("keys must not fall, but do in row " + std::to_string(row));
                rows.push_back({keys.data() + begin, places.data() + begin, offsets.length(row)});
            }
            lookup::merge(std::move(rows), keys.size(), merged_keys.data(), merged_places.data());
        });
        Py_RETURN_NONE;
    });
}

}  // namespace
