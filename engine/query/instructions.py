"""Instructions in a question: how to answer it, in what form, from what; they say nothing about the page that does.

"What was the margin in 2022? Round to two decimals. Answer using only the balance sheet." asks for "What was the margin
in 2022? balance sheet": the kind of page that an instruction names is kept.
"""

from __future__ import annotations

import re

REST = r"[^.?!;\n]*"
"""The rest of a sentence."""
BEGIN = r"(?:^|(?<=[.?!;\n]))\s*(?:please )?"
"""The beginning of a sentence."""
CLAUSE = r"(?:^|(?<=[.?!;:,\n])|(?<=\band))\s*(?:then |please )?"
"""The beginning of a clause."""
WRITE = (
    "(?:give|provide|write|return|state|express|report|format|present|show|output|respond|reply|answer|phrase|"
    "formulate|construct|produce|deliver)"
)
ANSWER = "(?:answers?|responses?|results?|reply|replies|solutions?|judge?ments?|conclusions?)"
INFORMATION = "(?:information|details?|data|facts?|content|context|evidence|line items?)"
GIVEN = (
    "(?:provided|shown|given|presented|found|available|contained|disclosed|outlined|listed|stated|displayed|clearly|"
    "primarily|mainly|only|solely|within|in|by|from|on|of|that|the)"
)
GET = "(?:know|find|see|learn|understand)"
NUMBER_FORM = (
    r"\b(?:decimals?|places?|digits?|nearest|integer|percent(?:age)?s?|thousandths?|hundredths?|tenths?|thousands?|"
    r"millions?|billions?)\b"
)
USELESS = "(?:useful|relevant|meaningful|available|applicable|known|mentioned|provided|disclosed|reported|stated|found)"
ROLE = "(?:analyst|investor|banker|expert|accountant|auditor|manager|reader|lawyer|student|associate)s?"
PATTERNS = (
    # Politeness.
    r"\b(?:can|could|would|will) you (?:please )?(?:tell|give|show|find|explain|list|describe|provide)\b(?: me\b)?",
    rf"\bi(?:'d| would) like to {GET}\b",
    rf"\bi (?:want|need) to {GET}\b",
    BEGIN + r"(?:tell|give|show|find) (?:me|us)(?= (?:an?|the|all|what|who|which|when|where|how|why|if|whether)\b)",
    # The form of the answer.
    CLAUSE + r"round(?:ed|ing)?\b" + REST + NUMBER_FORM + REST,
    r"\brounded (?:off )?(?:to|up|down)\b(?=[^.?!;,\n]*" + NUMBER_FORM + r")[^.?!;,\n]*",
    BEGIN
    + r"(?:answer|respond|reply)\b(?: (?:the|this) question| this| it)? (?:in|with|as|using|only|by|to|from|based|"
    r"concisely|briefly|yes|no)\b" + REST,
    CLAUSE + WRITE + r"(?: me| us)? (?:an?|the|your|all|only)? ?(?:final |short |brief |detailed |concise |exact )?"
    rf"{ANSWER}\b(?: to the question)?(?: (?:in|as|with|to|by|using|for|from|based|that|only|on)\b{REST})?",
    BEGIN
    + r"(?:explain|justify|show|describe) (?:why|how|your|the) ?(?:work|reasoning|answer|steps?|calculation)?s?\s*"
    r"(?=[.?!]|$)",
    r"\b(?:in|with) (?:one|a single|two|three|a few) (?:words?|sentences?|lines?)\b",
    r"\bas an? (?:integer|float|string|list|json)\b|\b(?:list|integer|float|string) format\b",
    r"\b(?:don't|do not|without) (?:us|includ|add|writ|explain|mention)(?:e|ing)?\b" + REST,
    r"\bif (?:the |this |an? )?(?:[\w&/'-]+ ){0,6}(?:is|are|was|were) not (?:an? )?" + USELESS + r"\b" + REST,
    # What the answer is to be taken from, and by whom.
    (
        r"\b(?:by )?(?:relying|rely|basing|base|based|judging|focusing|focus|drawing)\b(?: (?:your|the|any|all))?"
        rf"(?: (?:{ANSWER}|calculations?|reasoning|analysis))?(?: (?:solely|only|primarily|mainly|strictly))?"
        rf" (?:up)?on(?: (?:the|any|all))?(?: {INFORMATION})?(?: {GIVEN})*"
    ),
    rf"\b(?:use|using|utili[sz]e|utili[sz]ing|refer(?:ring)? to|considering)(?: the)? {INFORMATION}(?: {GIVEN})*",
    r"\b(?:answer|answering) the question(?: (?:asked )?(?:by|using|from|with|relying on|in))*\b",
    r"\b(?:calculate|extract|calculate \(or extract\)) the answer(?: from)?\b",
    (
        r"\b(?:adopt|take|taking|assume|assuming) the (?:perspective|role|viewpoint|view) of (?:an? |the )?"
        rf"[\w ]{{0,40}}?{ROLE}(?: who (?:can|could|may|will|would) only)?\b"
    ),
    BEGIN + r"(?:assume|imagine|pretend|suppose) (?:that )?you are\b" + REST,
    r"\bassume that you\b" + REST,
    r"\bquestions? (?:asked|below|above)\b",
    r"\b(?:please|kindly|thanks?(?: you)?(?: very much)?|hello|hi there)\b",
)
INSTRUCTIONS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in PATTERNS)
PAGE_KINDS = re.compile(
    r"\b(?:balance sheets?|income statements?|profit and loss(?: statements?)?|p&l(?: statements?)?|"
    r"cash ?flows?(?: statements?)?|statements? of (?:the )?(?:cash ?flows?|income|operations|earnings|"
    r"financial (?:position|condition)|comprehensive income|(?:shareholders|stockholders)'? equity|changes in equity)|"
    r"(?:bar |pie |line )?(?:charts?|graphs?|diagrams?)|tables?|maps?|appendix(?: \w+)?|footnotes?|"
    r"(?:figures?|notes?|slides?|pages?|sections?|chapters?) [\d.]*\d)\b",
    re.IGNORECASE,
)
"""What an instruction may name that is printed on the page: its words are kept."""
WORD = re.compile(r"[^\W_]{2,}")


def without_instructions(text: str) -> str:
    """The question without instructions about its answer; the question itself where nothing else would be left.

    >>> without_instructions("Please tell me the gross margin. Answer in one word.")
    'the gross margin.'
    >>> without_instructions("How do I round a number to the nearest integer?")
    'How do I round a number to the nearest integer?'
    """
    kept = text
    for pattern in INSTRUCTIONS:
        kept = pattern.sub(_page_kinds, kept)
    if kept == text:
        return text
    kept = re.sub(r"\s*([.?!,;])(?:\s*[.?!,;])*", r"\1", " ".join(kept.split())).lstrip(" .?!,;").rstrip()
    return kept if WORD.search(kept) else text


def _page_kinds(instruction: re.Match[str]) -> str:
    return f" {' '.join(PAGE_KINDS.findall(instruction.group()))} "
