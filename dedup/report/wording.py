"""What the page says, in English and in Chinese: one table, the same names in each language."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("en", "zh")

_TABLE: dict[str, tuple[str, str]] = {
    "html_lang": ("en", "zh-Hans"),
    "title": ("dedup report", "dedup 去重报告"),
    "skip": ("Skip to the content", "跳到正文"),
    "contents": ("Contents", "目录"),
    "lead": (
        "{articles} articles read. {whole} are cut whole, {changed} lose a part.",
        "共读入 {articles} 篇文章，整篇删去 {whole} 篇，部分删减 {changed} 篇。",
    ),
    "lead_characters": ("{before} characters in, {after} out: {share} cut.", "读入 {before} 字，留下 {after} 字，删去 {share}。"),
    "sums": ("Sums", "总计"),
    "articles_read": ("articles read", "读入文章"),
    "articles_cut": ("cut whole", "整篇删去"),
    "articles_changed": ("shortened", "部分删减"),
    "articles_untouched": ("untouched", "未动"),
    "articles_against": ("reference articles", "参照文章"),
    "rejected": ("records rejected", "不能读的记录"),
    "passages": ("passages", "段落"),
    "characters": ("characters", "字数"),
    "characters_in": ("characters in", "读入字数"),
    "characters_out": ("characters out", "留下字数"),
    "characters_cut": ("characters cut", "删去字数"),
    "share": ("share", "比例"),
    "warnings": ("Warnings", "警告"),
    "reasons": ("What was found, by reason", "按原因统计"),
    "reasons_note": (
        "Characters are those of the findings. What is kept is reported and stays in the text.",
        "字数为各条发现所含字数。“保留”的只报告，不改动正文。",
    ),
    "kind": ("kind", "类别"),
    "grain": ("grain", "粒度"),
    "rule": ("rule", "规则"),
    "verdict": ("verdict", "处理"),
    "findings": ("findings", "条数"),
    "cut": ("cut", "删去"),
    "kept": ("kept", "保留"),
    "duplicate": ("duplicate", "重复"),
    "boilerplate": ("boilerplate", "模板文字"),
    "debris": ("debris", "残渣"),
    "article": ("article", "文章"),
    "block": ("block", "连续段落"),
    "passage": ("passage", "段落"),
    "span": ("span", "片段"),
    "distributions": ("Distributions", "分布"),
    "sizes": ("Sizes of families", "重复组的大小"),
    "sizes_note": (
        "A family is a kept text and all places that repeat it. Heights are logarithmic.",
        "重复组指一处保留的文字及所有与之重复之处。柱高取对数。",
    ),
    "families_of_articles": ("families of articles", "文章重复组"),
    "families_of_passages": ("families of passages", "段落重复组"),
    "similarities": ("Similarities to the kept text", "与保留文字的相似度"),
    "similarities_note": (
        "Exact Jaccard similarity of the shingles, of all {near} places that are near; {equal} more are equal once "
        "folded. The line is the threshold, {threshold}: nothing below it is cut.",
        "片断集合的精确 Jaccard 相似度，共 {near} 处近似；另有 {equal} 处归一后完全相同。竖线为阈值 {threshold}，低于阈值的一概不删。",
    ),
    "similarity": ("similarity", "相似度"),
    "threshold": ("threshold", "阈值"),
    "shares": ("Share cut of each article", "每篇文章删去的比例"),
    "shares_note": ("Heights are logarithmic.", "柱高取对数。"),
    "whole": ("whole", "整篇"),
    "source_shares": ("Share cut of each source", "每个来源删去的比例"),
    "sources": ("Sources", "来源"),
    "sources_note": (
        "A source is a file of records, a folder of text files, or what --source-field names. {shown} of {all}, those "
        "with most characters first.",
        "来源指一个记录文件、一个文本文件夹，或 --source-field 所指的字段。共 {all} 个，列出字数最多的 {shown} 个。",
    ),
    "source": ("source", "来源"),
    "articles": ("articles", "文章数"),
    "as_table": ("As a table", "以表格显示"),
    "no_originals": (
        "The original articles could not be read again (they came from a pipe, are gone, or have changed), so the texts "
        "that stay, the shares and the cases below the threshold are missing here.",
        "无法再次读取原文（来自管道、已不在或有改动），因此缺少保留一侧的文字、删去比例和阈值以下的例子。",
    ),
    "filter": ("Filter", "筛选"),
    "search": ("Search", "搜索"),
    "all": ("all", "全部"),
    "reset": ("Reset", "清除"),
    "matches": ("{n} of {all} cases", "{all} 例中的 {n} 例"),
    "no_matches": ("No case on this page matches.", "本页没有符合条件的例子。"),
    "legend": (
        "Side by side: on the left what stays, on the right what goes (or what resembles it). Marked is what differs; "
        "dotted is what only reads alike: the other script, full-width letters, punctuation. Characters that do not "
        "show stand as their code points.",
        "左为保留的文字，右为删去（或相似）的文字。标色者为不同之处；点线者归一后相同（繁简、全角、标点等）。不可见字符以码位表示。",
    ),
    "stays": ("stays", "保留"),
    "goes": ("goes", "删去"),
    "resembles": ("resembles it, stays too", "相似，也保留"),
    "in_reference": ("in the reference {name}", "在参照语料 {name} 中"),
    "text_missing": ("This text is not at hand.", "手头没有这段文字。"),
    "families": ("Largest families", "最大的重复组"),
    "families_note": (
        "{shown} of {all}, each with the place least like the kept text and a few others; all are in families.jsonl.",
        "共 {all} 组，列出 {shown} 组；每组列出与保留文字最不相似的一处和另外几处，全部见 families.jsonl。",
    ),
    "repeated": ("{n} places repeat it; least similarity {least}", "有 {n} 处与之重复，最低相似度 {least}"),
    "border_above": ("Just above the threshold", "略高于阈值"),
    "border_above_note": (
        "The least similar of what is cut: {shown} of {all} near duplicates.",
        "删去之中最不相似的：{all} 处近似重复中的 {shown} 处。",
    ),
    "border_below": ("Just below the threshold", "略低于阈值"),
    "border_below_note": (
        "The most similar of what is not cut: {shown} pairs found among {articles} articles, those of the {of} that stay "
        "which are likely to resemble each other; `dedup tune` looks at all.",
        "未删之中最相似的：从保留的 {of} 篇文章中取较可能彼此相似的 {articles} 篇，找到 {shown} 对；`dedup tune` 可查看全部。",
    ),
    "border_below_tuned": (
        "The most similar of what is not cut: {shown} of the pairs that `dedup tune` sampled.",
        "未删之中最相似的：`dedup tune` 抽样的配对中的 {shown} 对。",
    ),
    "blocks": ("Blocks", "连续段落"),
    "blocks_note": (
        "Several passages repeated in a row, the longest first: {shown} of {all}.",
        "连续多段重复，最长者在前：{all} 处中的 {shown} 处。",
    ),
    "links": ("Alike and kept", "相似而保留"),
    "links_note": (
        "At or above the threshold, and kept: with other numbers (near-numbers) they are other news; articles of which "
        "a part has no counterpart are judged passage by passage. {shown} of {all}.",
        "达到阈值而仍保留：数字不同（near-numbers）即为不同的新闻；文章若有一部分无对应，则逐段判断。{all} 处中的 {shown} 处。",
    ),
    "templates": ("Boilerplate", "模板文字"),
    "templates_note": (
        "Lines by rule and wording, numbers set to 0, the most frequent first: {shown} of {all}.",
        "按规则和文字归并（数字记作 0），最常见者在前：{all} 种中的 {shown} 种。",
    ),
    "forgot": (
        "There were more than could be counted at a time, so that rare ones are missing and counts may be low.",
        "种类太多，罕见者未计入，次数可能偏低。",
    ),
    "debris_note": ("Remains of markup and encoding: {shown} of {all} kinds.", "标记和编码的残余：{all} 种中的 {shown} 种。"),
    "sample": ("sample", "例"),
    "text": ("text", "文字"),
    "sampled": ("A random sample of all findings", "全部发现的随机抽样"),
    "sampled_note": (
        "{shown} of {all}, drawn by hash; all are in findings.jsonl.",
        "共 {all} 条，按散列抽取 {shown} 条；全部见 findings.jsonl。",
    ),
    "tune": ("Other thresholds", "其他阈值"),
    "tune_note": (
        "What each threshold would cut of {articles} articles with {characters} characters, counted by `dedup tune`; "
        "blocks and remnants, which follow from it, are not counted.",
        "`dedup tune` 统计的各阈值删去的数量（{articles} 篇，{characters} 字）；由此而来的连续段落和残篇未计。",
    ),
    "tune_pairs": ("Pairs for a person to judge", "供人判断的配对"),
    "tune_pairs_note": (
        "Of each step some pairs that it would cut and the next would not, the least similar first: {shown} of {all}.",
        "每级抽取若干对：此级删去而再高一级不删，最不相似者在前，{all} 对中的 {shown} 对。",
    ),
    "same": ("The same, letter for letter.", "逐字相同。"),
    "tune_step": ("a threshold of {step} would cut it, the next step would not", "阈值 {step} 时会删去，再高一级则不删"),
    "chosen": ("in force", "当前"),
    "settings": ("Settings", "设置"),
    "inputs": ("Inputs", "输入"),
    "inputs_note": ("{shown} of {all}; all are in summary.json.", "共 {all} 个，列出 {shown} 个；全部见 summary.json。"),
    "name": ("name", "名称"),
    "value": ("value", "值"),
    "format": ("format", "格式"),
    "bytes": ("bytes", "字节"),
    "gap": ("{left} / {right} characters", "{left} / {right} 字"),
    "gap_one": ("{n} characters", "{n} 字"),
    "none": ("None.", "无。"),
    "made_by": (
        "Made by dedup {version}. The page is complete in itself: it loads nothing and sends nothing.",
        "由 dedup {version} 生成。本页自成一体，不加载也不发送任何内容。",
    ),
    "spare": ("Not all have room on this page.", "本页放不下全部。"),
}  # fmt: skip


def wording(lang: str) -> Mapping[str, str]:
    """All that the page says in one of `LANGUAGES`."""
    return {name: said[LANGUAGES.index(lang)] for name, said in _TABLE.items()}
