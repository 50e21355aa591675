"""Whether a query describes what is looked for ("photo of a castle"), or asks for what a page says ("which chart ...").

A description that names kinds of figures looks for the figure; a question that names one looks for what it tells.
"""

from __future__ import annotations

import re

ASKS = re.compile(
    r"[?？؟;]|\b(?:what|which|how|who|whom|whose|when|where|why|whether)\b"
    r"|^\W*(?:please |then )*(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should|may|list|name|"
    r"calculate|compute|compare|summari[sz]e|explain|describe|identify|determine|tell|state|give|answer|count|estimate)\b"
    r"|^\W*(?:was|welche[rsmn]?|wie|wer|wem|wen|wessen|wann|wo|warum|wieso|weshalb|ob|ist|sind|nenne|berechne)\b"
    r"|^\W*(?:que|quoi|quel(?:le)?s?|comment|qui|quand|où|pourquoi|combien|est-ce|qué|cuál(?:es)?|cómo|quién(?:es)?|"
    r"cuándo|dónde|cuánt[oa]s?|che|cosa|quale|quali|come|chi|dove|perché|quant[oiae]|qual|quais|quem|onde)\b"
    r"|什么|什麼|哪|多少|如何|为什么|為什麼|なぜ|どの|どう|いくら|いくつ|何|무엇|어떤|어떻게|얼마|몇",
    re.IGNORECASE,
)
"""Signs and words of questions, and verbs at the beginning that ask for an answer."""


def is_description(query: str) -> bool:
    """Whether a query describes what is looked for, and asks nothing.

    >>> is_description("photo of a castle"), is_description("Show me a map of Florida")
    (True, True)
    >>> is_description("What does the pie chart show"), is_description("calculate the share in the chart")
    (False, False)
    """
    return ASKS.search(query.strip()) is None
