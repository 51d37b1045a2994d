// The greedy rule.

#pragma once

#include "../greedy.h"
#include "folding.h"
#include "given.h"
#include "signing.h"

namespace {

// The rule as a Python function (text, count) -> index or -1, to which the texts are shown in *shown*.
ptrdiff_t ask(PyObject* acceptable, const Array<int64_t>& shown, size_t text,
              const std::vector<greedy::Verified>& verified) {
    for (size_t i = 0; i < verified.size(); i++) shown[i] = verified[i].text;
    return with_gil([&] {
        PyObject* answer = PyObject_CallFunction(acceptable, "nn", static_cast<Py_ssize_t>(text),
                                                 static_cast<Py_ssize_t>(verified.size()));
        if (!answer) throw PythonError();
        const Py_ssize_t index = PyLong_AsSsize_t(answer);
        Py_DECREF(answer);
        if (index == -1 && PyErr_Occurred()) throw PythonError();
        if (index < -1 || index >= static_cast<Py_ssize_t>(verified.size()))
            refuse("acceptable must answer for the texts it was shown, " + std::to_string(verified.size()));
        return static_cast<ptrdiff_t>(index);
    });
}

// The rule of passages: the numbers of each text, none where *given* is None.
class NumbersGiven {
  public:
    NumbersGiven(PyObject* given, size_t texts) : texts_(texts) {
        if (given == Py_None) return;
        PyObject *numbers, *offsets;
        unpack(given, "OO", &numbers, &offsets);
        numbers_ = std::make_unique<Hashes>(numbers, "numbers");
        offsets_ = std::make_unique<Offsets>(offsets, "number offsets", numbers_->size());
        if (offsets_->segments() != texts) refuse("numbers must have a segment for each text");
    }
    bool count() const { return offsets_ != nullptr; }
    greedy::NumberSets sets() const {
        return count() ? greedy::NumberSets(numbers_->data(), offsets_->data(), texts_) : greedy::NumberSets(nullptr, nullptr, 0);
    }

  private:
    size_t texts_;
    std::unique_ptr<Hashes> numbers_;
    std::unique_ptr<Offsets> offsets_;
};

// The rule of articles, see PassagesCovered.
class CoveringGiven {
  public:
    CoveringGiven(PyObject* given, size_t texts) {
        PyObject *sets, *offsets, *folded, *folded_offsets, *longer, *longer_offsets, *masked, *masked_offsets, *flags;
        unsigned int first_wide, wide;
        int size;
        long long num, den;
        unpack(given, "OOOOOOOOO(II)i(LL)", &sets, &offsets, &folded, &folded_offsets, &longer, &longer_offsets, &masked,
               &masked_offsets, &flags, &first_wide, &wide, &size, &num, &den);
        sets_ = std::make_unique<Hashes>(sets, "sets of articles");
        offsets_ = std::make_unique<Offsets>(offsets, "offsets of articles", sets_->size());
        folded_ = std::make_unique<Codes>(folded, "folded");
        folded_offsets_ = std::make_unique<Offsets>(folded_offsets, "folded offsets", folded_->size());
        longer_ = std::make_unique<Array<int64_t>>(longer, "longer");
        longer_offsets_ = std::make_unique<Offsets>(longer_offsets, "longer offsets", longer_->size());
        masked_ = std::make_unique<Codes>(masked, "masked");
        masked_offsets_ = std::make_unique<Offsets>(masked_offsets, "masked offsets", masked_->size());
        flags_ = std::make_unique<Array<uint16_t>>(flags, "flags");
        for (const auto* segments : {offsets_.get(), longer_offsets_.get(), masked_offsets_.get()})
            if (segments->segments() != texts) refuse("articles must have a segment for each text");
        must_be_places(*longer_, "longer", folded_offsets_->segments());
        flags_->must_have(folding::CODE_POINTS);
        if (num < 1 || den < 1 || num > den || den > MOST) refuse("threshold must be above 0 and at most 1");
        if (sets_->size() > INT32_MAX) refuse("shingles must be fewer than 2**31");
        covering_ = {sets_->data(),   offsets_->data(),        folded_->data(), folded_offsets_->data(),
                     longer_->data(), longer_offsets_->data(), masked_->data(), masked_offsets_->data(),
                     flags_->data(),  first_wide, wide, static_cast<size_t>(shingle_size(size)), num, den};
    }
    const greedy::Covering& covering() const { return covering_; }
    static constexpr long long MOST = 1LL << 30;  // of a denominator: every product then fits 64 bits

  private:
    std::unique_ptr<Hashes> sets_;
    std::unique_ptr<Codes> folded_, masked_;
    std::unique_ptr<Array<int64_t>> longer_;
    std::unique_ptr<Offsets> offsets_, folded_offsets_, longer_offsets_, masked_offsets_;
    std::unique_ptr<Array<uint16_t>> flags_;
    greedy::Covering covering_{};
};

PyObject* choose(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *sets_, *offsets_, *chars_, *groups_, *fixed_, *rule_, *shown_, *numbers_, *covering_;
        PyObject *keeper_, *linked_, *shared_, *united_;
        long long num, den, short_chars, short_num, short_den, bucket;
        unpack(args, "OOOOO(LL)L(LL)LOOOO(OOOO)", &sets_, &offsets_, &chars_, &groups_, &fixed_, &num, &den,
               &short_chars, &short_num, &short_den, &bucket, &rule_, &shown_, &numbers_, &covering_, &keeper_,
               &linked_, &shared_, &united_);
        const Hashes sets(sets_, "sets");
        const Offsets offsets(offsets_, "offsets", sets.size());
        const Array<int64_t> chars(chars_, "chars"), shown(shown_, "shown", 1, true);
        const Array<int32_t> groups(groups_, "groups", 2);
        const Array<uint8_t> fixed(fixed_, "fixed");
        const Array<int64_t> keeper(keeper_, "keeper", 1, true), linked(linked_, "linked", 1, true),
            shared(shared_, "shared", 1, true), united(united_, "united", 1, true);
        const size_t texts = offsets.segments();
        for (const auto* array : {&chars, &shown, &keeper, &linked, &shared, &united}) array->must_have(texts);
        fixed.must_have(texts);
        if (groups.shape(1) != texts) refuse("groups must have the shape [bands, texts]");
        for (size_t i = 0; i < groups.size(); i++)
            if (groups[i] < -1 || groups[i] >= static_cast<int64_t>(texts))
                refuse("groups must be dense numbers or -1, found " + std::to_string(groups[i]));
        if (texts > INT32_MAX || sets.size() > INT32_MAX) refuse("texts and shingles must be fewer than 2**31");
        constexpr long long most = CoveringGiven::MOST;
        if (num < 1 || den < 1 || num > den || den > most) refuse("threshold must be above 0 and at most 1");
        if (short_num < 0 || short_den < 1 || short_num > most || short_den > most)
            refuse("short_containment must be a fraction of numbers below 2**30");
        const NumbersGiven numbers(numbers_, texts);
        std::unique_ptr<CoveringGiven> covering;
        if (covering_ != Py_None) covering = std::make_unique<CoveringGiven>(covering_, texts);
        if (rule_ == Py_None && !covering && !numbers.count()) refuse("a rule must be given");
        const greedy::Given given{sets.data(), offsets.data(), chars.data(), groups.data(), fixed.data(),
                                  texts,       groups.shape(0), num,         den,           short_chars,
                                  short_num,   short_den,       bucket};
        greedy::Chosen chosen{keeper.data(), linked.data(), shared.data(), united.data(), 0};
        const auto pause = [] {
            with_gil([] {
                if (PyErr_CheckSignals()) throw PythonError();
            });
        };
        without_gil([&] {
            if (rule_ != Py_None) {
                greedy::Asked choice([&](size_t text, const std::vector<greedy::Verified>& verified) {
                    return ask(rule_, shown, text, verified);
                });
                greedy::choose(given, choice, pause, chosen);
            } else if (covering) {
                greedy::Articles choice(covering->covering(), numbers.sets(), numbers.count());
                greedy::choose(given, choice, pause, chosen);
            } else {
                greedy::Numbers choice(numbers.sets());
                greedy::choose(given, choice, pause, chosen);
            }
        });
        return PyLong_FromLongLong(chosen.full);
    });
}

}  // namespace
