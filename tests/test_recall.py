"""What `recall` promises, and what the threshold forbids."""

import random

import pytest
from corpora import HAN
from oracle import jaccard, shingle_set

import dedup
from dedup.model import Article
from dedup.settings import Settings

MORE_HAN = HAN + "".join(chr(code) for code in range(0x4E00, 0x4E00 + 2000))


def pairs_near(threshold: float, width: float, count: int, seed: int) -> list[tuple[str, str, float]]:
    """Pairs of texts whose exact similarity lies within *width* of the threshold, on both sides."""
    rng = random.Random(seed)
    pairs = []
    while len(pairs) < count:
        one = rng.choices(MORE_HAN, k=rng.randint(60, 140))
        other = list(one)
        for _ in range(rng.randint(2, 7)):
            other[rng.randrange(len(other))] = rng.choice(MORE_HAN)
        first, second = "".join(one), "".join(other)
        similarity = jaccard(shingle_set(first), shingle_set(second))
        if abs(similarity - threshold) <= width:
            pairs.append((first, second, float(similarity)))
    return pairs


@pytest.mark.parametrize(("threshold", "recall"), [(0.7, 0.95), (0.7, 0.6), (0.8, 0.9)])
def test_pairs_at_the_threshold_are_found_as_often_as_recall_promises(threshold, recall):
    """Within three standard errors over three seeds of permutations; none below the threshold is ever cut."""
    pairs = pairs_near(threshold, 0.02, 400, seed=17)
    articles = [
        Article(f"{side}{number}", pair[at]) for at, side in enumerate("ab") for number, pair in enumerate(pairs)
    ]
    above = {f"b{number}": f"a{number}" for number, pair in enumerate(pairs) if pair[2] >= threshold}
    assert 100 < len(above) < 400
    found = trials = 0
    for seed in (1, 2, 3):
        report = dedup.scan(articles, Settings(threshold=threshold, recall=recall, seed=seed, grain="passage"))
        cut = {finding.article: finding.source.article for finding in report.findings if finding.removed}
        assert cut.items() <= above.items()
        found += len(cut)
        trials += len(above)
    error = (recall * (1 - recall) / trials) ** 0.5
    assert found / trials >= recall - 3 * error
