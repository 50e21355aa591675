"""Whether a question asks for a number: "how much", "wie viele", a rate, a margin."""

from __future__ import annotations

import re

ASKS_FOR_NUMBER = re.compile(
    r"\bhow (?:much|many|large|big|high|long|old|far|often)\b"
    r"|\b(?:amounts?|totals?|number of|percent(?:age)?|ratios?|margins?|rates?|average|sum|growth|revenues?|sales)\b"
    r"|\b(?:profits?|costs?|expenses?|price|income|ebitda?|capex|usd|eur|gbp|million|billion|thousand|decimals?)\b"
    r"|\bwie (?:viele?|hoch|groß|lange|alt|weit|oft)\b|\b(?:anzahl|betrag|summe|prozent|anteil|umsatz|kosten|preis)\b"
    r"|\bcombien\b|\b(?:montant|nombre de|pourcentage|taux|chiffre d|prix|coûts?)\b"
    r"|\bcu[áa]nt[oa]s?\b|\b(?:importe|número de|porcentaje|tasa|precio|costes?|costos?)\b"
    r"|\bquant[oiae]s?\b|\b(?:importo|numero di|percentuale|tasso|prezzo|valor|número de|taxa|preço)\b"
    r"|\bhoe(?:veel| veel| hoog| groot| lang)\b|\bhur (?:mycket|många|stor|hög|lång)\b|\bhvor (?:meget|mange)\b"
    r"|\bil[eu]\b|\bсколько\b|\bскільки\b|\bkaç\b|\bne kadar\b|\bkolik\b|\bmennyi\b|\bhány\b|\bcâ(?:t|ți|te)\b"
    r"|πόσ[οαεηω]|多少|几[个名人次年]|幾|金額|金额|比率|いくら|いくつ|何[人件円年台個]|얼마|몇|비율|금액|\bكم\b|כמה|कितन|เท่าไ"
    r"|\bbao nhiêu\b|\bberapa\b"
    r"|[$€£¥%]",
    re.IGNORECASE,
)
"""Words that ask for an amount, a count or a share in the languages of `function_words.txt`, and signs of amounts."""


def asks_for_number(question: str) -> bool:
    """Whether the answer to a question is likely to stand among numbers.

    >>> asks_for_number("How much did Acme spend?"), asks_for_number("quick ratio"), asks_for_number("Who is the CEO?")
    (True, True, False)
    """
    return ASKS_FOR_NUMBER.search(question) is not None
