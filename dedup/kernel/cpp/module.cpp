// dedup.kernel._native: the compiled twin of the kernel. Every function checks what it is handed, lets go of the GIL and
// fills arrays that native.py has made; what each means is said in reference.py, fold_reference.py, greedy_reference.py.

#include "functions/folding.h"
#include "functions/greedy.h"
#include "functions/grouping.h"
#include "functions/json.h"
#include "functions/lines.h"
#include "functions/lookups.h"
#include "functions/rows.h"
#include "functions/segments.h"
#include "functions/signing.h"
#include "functions/templates.h"

namespace {

PyObject* levels(PyObject*, PyObject*) {
    PyObject* names = PyList_New(0);
    for (const Level& one : LEVELS) {
        if (!names || !one.runs()) continue;
        PyObject* name = PyUnicode_FromString(one.name);
        if (!name || PyList_Append(names, name)) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

PyObject* use_level(PyObject*, PyObject* args) {
    return guarded([&] {
        const char* name;
        unpack(args, "s", &name);
        const Level* before = level;
        for (const Level& one : LEVELS)
            if (one.runs() && !std::strcmp(one.name, name)) {
                level = &one;
                return PyUnicode_FromString(before->name);
            }
        refuse(std::string(name) + " is no instruction set of this machine and build");
    });
}

PyMethodDef methods[] = {
    {"shingles", shingles, METH_VARARGS, nullptr},
    {"signatures", signatures, METH_VARARGS, nullptr},
    {"shingle_signatures", shingle_signatures, METH_VARARGS, nullptr},
    {"shingle_band_keys", shingle_band_keys, METH_VARARGS, nullptr},
    {"text_digests", text_digests, METH_VARARGS, nullptr},
    {"text_glances", text_glances, METH_VARARGS, nullptr},
    {"text_band_keys", text_band_keys, METH_VARARGS, nullptr},
    {"wanted_band_keys", wanted_band_keys, METH_VARARGS, nullptr},
    {"segment_sets", segment_sets, METH_VARARGS, nullptr},
    {"shingle_sets", shingle_sets, METH_VARARGS, nullptr},
    {"digests", digests, METH_VARARGS, nullptr},
    {"band_keys", band_keys, METH_VARARGS, nullptr},
    {"collisions", collisions, METH_VARARGS, nullptr},
    {"repeated", repeated, METH_VARARGS, nullptr},
    {"repeated_bands", repeated_bands, METH_VARARGS, nullptr},
    {"repeated_in_runs", repeated_in_runs, METH_VARARGS, nullptr},
    {"intersections", intersections, METH_VARARGS, nullptr},
    {"taken_offsets", taken_offsets, METH_VARARGS, nullptr},
    {"take_segments", take_segments, METH_VARARGS, nullptr},
    {"to_utf16", to_utf16, METH_VARARGS, nullptr},
    {"take_codes", take_codes, METH_VARARGS, nullptr},
    {"join_segments", join_segments, METH_VARARGS, nullptr},
    {"pack_table", pack_table, METH_VARARGS, nullptr},
    {"fold", fold, METH_VARARGS, nullptr},
    {"fold_to_utf16", fold_to_utf16, METH_VARARGS, nullptr},
    {"fill_in", fill_in, METH_VARARGS, nullptr},
    {"columns", columns, METH_VARARGS, nullptr},
    {"widths", widths, METH_VARARGS, nullptr},
    {"number_tokens", number_tokens, METH_VARARGS, nullptr},
    {"dense", dense, METH_VARARGS, nullptr},
    {"components", components, METH_VARARGS, nullptr},
    {"filter_lines", filter_lines, METH_VARARGS, nullptr},
    {"filtered", filtered, METH_VARARGS, nullptr},
    {"find", find, METH_VARARGS, nullptr},
    {"merge_entries", merge_entries, METH_VARARGS, nullptr},
    {"choose", choose, METH_VARARGS, nullptr},
    {"line_feeds", line_feeds, METH_VARARGS, nullptr},
    {"line_spans", line_spans, METH_VARARGS, nullptr},
    {"outlines", outlines, METH_VARARGS, nullptr},
    {"readings", readings, METH_VARARGS, nullptr},
    {"template_starts", template_starts, METH_VARARGS, nullptr},
    {"starts_among", starts_among, METH_VARARGS, nullptr},
    {"templates", templates, METH_VARARGS, nullptr},
    {"span_places", span_places, METH_VARARGS, nullptr},
    {"joined_rows", joined_rows, METH_VARARGS, nullptr},
    {"json_texts", json_texts, METH_VARARGS, nullptr},
    {"json_unquoted", json_unquoted, METH_VARARGS, nullptr},
    {"utf8_codes", utf8_codes, METH_VARARGS, nullptr},
    {"least_runs", least_runs, METH_VARARGS, nullptr},
    {"levels", levels, METH_NOARGS, nullptr},
    {"use_level", use_level, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", "The compiled kernel; see native.py.", -1, methods, nullptr,
                      nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__native() {
    for (const Level& one : LEVELS)
        if (one.runs()) {
            level = &one;
            break;
        }
    return PyModule_Create(&module);
}
