"""The long way: judge the articles in examples/articles, look at every finding, rewrite, and undo it.

`scan` changes nothing and `rewrite` judges nothing, so the findings can be read, stored or filtered in between;
`restore` puts back what was cut, character for character.
"""

from pathlib import Path

import dedup

ARTICLES = Path(__file__).with_name("articles")


def line(finding: dedup.Finding) -> str:
    """One finding in a line: where, what, how similar, and what it repeats."""
    verdict = "cut" if finding.removed else "kept"
    similarity = "" if finding.similarity is None else f" {finding.similarity:.2f}"
    source = "" if finding.source is None else f" of {finding.source.article}:{finding.source.start}"
    where = f"{finding.article}:{finding.start}-{finding.end}"
    return f"{verdict:4} {where:47} {finding.grain} {finding.rule}{similarity}{source}"


if __name__ == "__main__":
    articles = dedup.read_articles(ARTICLES)
    report = dedup.scan(articles, dedup.Settings(threshold=0.7))
    for finding in report.findings:
        print(line(finding))

    cleaned = list(dedup.rewrite(articles, report))
    before = sum(len(article.text) for article in articles)
    after = sum(len(article.text) for article in cleaned)
    print(f"{len(report.article_ids)} articles, {len(cleaned)} after; {before} characters, {after} after")

    restored = {article.id: article.text for article in dedup.restore(cleaned, report)}
    print("restored:", restored == {article.id: article.text for article in articles})
