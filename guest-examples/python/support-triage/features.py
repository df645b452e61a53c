"""What a text is made of, for the classifier. The same code trains and runs, so the two can't drift apart."""

import re
from itertools import pairwise

WORD = re.compile(r"[a-z']+|\d+|[?!]+")

# What a shop's customers talk about, and how they sound: some hundred texts can't teach that a parcel is a package. A word
# that ends in * stands for all that begin so.
CONCEPTS = {
    "delivery": "package* parcel* shipment* ship shipp* deliver* courier driver track* arriv* carrier depot customs eta order*",
    "return": "return* refund* exchang* swap* rma replac* back label",
    "goods": "item* wrong broken size* fit fits defective damaged scratched color quality model",
    "money": "charg* bill bills bill* invoic* pay paid pay* card* pric* fee fees discount* coupon* tax statement bank owe "
             "balance credit* cost* money receipt* dollars purchase vat",
    "device": "app website page screen wifi bluetooth updat* batter* error* crash* freez* device* setup firmware connect* "
              "reset* button camera sound charger charging speaker printer remote load* install* work works working sync* link "
              "scan* light download* upload* internet",
    "account": "account* password* login log logged username subscri* member* plan profile newsletter sign register* "
               "unsubscribe* email* name locked premium renew* hacked address",
    "person": "human* person* people agent* manager* representative supervisor* somebody someone anybody operator call* phone "
              "talk* speak* staff colleague employee* team bot* robot* machine specialist technician",
    "thanks": "thank* thx cheers appreciate* merci",
    "ending": "ok okay alright bye fine noted understood got that's set helped solved",
    "shop": "store shop open* stock sell* hiring product brand* catalog* hour* parking made present restock carry compan*",
    "greeting": "hi hello hey morning",
    "good": "great perfect* awesome lov* excellent fantastic amazing wonderful best happy nice beautiful good brilliant "
            "help* impress* glad cool super fast quick* easy friendly kind generous better wow thumbs yay saved fixed",
    "bad": "worst terrible horribl* awful* ridiculous useless angry furious hate* garbage junk disgusting scam theft fraud* "
           "unacceptable pathetic annoy* frustrat* fed sick nightmare mess shame joke dumb stupid upset* cheated disappoint* "
           "disaster ugly lawyer dispute* idiot* ruin* smash* unauthorized press horrible lost",
    "loss": "nobody never nothing nowhere still again already immediately now week* month* third twice times late impossible",
    "not": "not no can't cant cannot won't don't doesn't isn't wasn't didn't dont doesnt isnt didnt without",
}
# By their first letters, since every word of every text is looked up here; no stem is shorter.
LETTERS = 3
STEMS: dict[str, list[tuple[str, str]]] = {}
WORDS: dict[str, list[str]] = {}
for concept, words in CONCEPTS.items():
    for word in words.split():
        if word.endswith("*"):
            STEMS.setdefault(word[:LETTERS], []).append((word[:-1], concept))
        else:
            WORDS.setdefault(word, []).append(concept)
assert all(len(stem) >= LETTERS for stems in STEMS.values() for stem, _ in stems)


def features(text: str) -> set[str]:
    """Words, what they are about, and pairs of words."""
    words = [shape(word) for word in WORD.findall(text.lower().replace("’", "'"))]
    found = set(words)
    found.update(map(" ".join, pairwise(["^", *words, "$"])))
    for word in words:
        found.update(f"@{concept}" for concept in concepts(word))
    return found


def concepts(word: str) -> list[str]:
    """What a word is about; it may be about several things."""
    by_stem = [concept for stem, concept in STEMS.get(word[:LETTERS], ()) if word.startswith(stem)]
    return by_stem + WORDS.get(word, [])


def shape(word: str) -> str:
    """Numbers are alike, whatever they count; so are rows of marks."""
    if word[0].isdigit():
        return "0"
    return word[0] if word[0] in "?!" else word
