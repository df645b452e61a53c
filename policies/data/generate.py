#!/usr/bin/env python3
"""Makes places.csv and lookalikes.csv of this folder from published packages.

    pip download --no-deps -d in phonenumbers==9.0.43 confusable-homoglyphs==3.3.1
    (cd in && npm pack us-area-codes@1.0.0)
    python3 generate.py in --as-of 2026-11-23

The same packages give the same bytes; `--check` says whether the files here are what they give.
"""

import argparse
import csv
import importlib
import io
import json
import sys
import tarfile
import unicodedata
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

STATES = {
    "Alabama": "AL", "Alaska": "AK", "Arizona": "AZ", "Arkansas": "AR", "California": "CA", "Colorado": "CO",
    "Connecticut": "CT", "Delaware": "DE", "District of Columbia": "DC", "Washington D.C.": "DC", "Florida": "FL",
    "Georgia": "GA", "Hawaii": "HI", "Idaho": "ID", "Illinois": "IL", "Indiana": "IN", "Iowa": "IA", "Kansas": "KS",
    "Kentucky": "KY", "Louisiana": "LA", "Maine": "ME", "Maryland": "MD", "Massachusetts": "MA", "Michigan": "MI",
    "Minnesota": "MN", "Mississippi": "MS", "Missouri": "MO", "Montana": "MT", "Nebraska": "NE", "Nevada": "NV",
    "New Hampshire": "NH", "New Jersey": "NJ", "New Mexico": "NM", "New York": "NY", "North Carolina": "NC",
    "North Dakota": "ND", "Ohio": "OH", "Oklahoma": "OK", "Oregon": "OR", "Pennsylvania": "PA", "Rhode Island": "RI",
    "South Carolina": "SC", "South Dakota": "SD", "Tennessee": "TN", "Texas": "TX", "Utah": "UT", "Vermont": "VT",
    "Virginia": "VA", "Washington": "WA", "West Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY",
    "Puerto Rico": "PR", "US Virgin Islands": "VI", "Guam": "GU", "CNMI": "MP", "American Samoa": "AS",
}

# An overlay serves the same ground as the code that it overlays, so it has the same zones, whatever a table says of it.
OVERLAYS = [("208", "986"), ("270", "364"), ("423", "729"), ("541", "458"), ("812", "930"), ("850", "448")]


def module(package, name):
    """A module of a wheel, which needs no unpacking."""
    if str(package) not in sys.path:
        sys.path.insert(0, str(package))
    return importlib.import_module(name)


def table(comments, header, rows):
    out = io.StringIO()
    for comment in comments:
        out.write(f"# {comment}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def places(phonenumbers, area_codes, as_of):
    zones = {}
    for prefix, names in module(phonenumbers, "phonenumbers.tzdata").TIMEZONE_DATA.items():
        # Every longer prefix adds to its area code: a zone that any number of the code can be in is kept.
        if prefix.startswith("1") and len(prefix) >= 4:
            zones.setdefault(prefix[1:4], set()).update(names)
    for pair in OVERLAYS:
        both = set().union(*(zones.get(code, set()) for code in pair))
        for code in pair:
            zones[code] = both
    with tarfile.open(area_codes) as archive:
        named = json.load(archive.extractfile("package/data/codes.json"))
    described = module(phonenumbers, "phonenumbers.geodata").GEOCODE_DATA
    rows = []
    for code in sorted(set(zones) | set(named)):
        place, source = named.get(code), "us-area-codes"
        if place is None:
            place, source = described.get("1" + code, {}).get("en", ""), "phonenumbers geodata"
        state = STATES.get(place)
        if state is None and place[-4:-2] == ", " and place[-2:] in STATES.values():
            state = place[-2:]
        if code in zones:
            rows.append([code, state or "", " ".join(sorted(zones[code])), source if state else ""])
        elif state:
            # A code without a zone: those of the rest of its state.
            rest = set().union(*(zones[c] for c, p in named.items() if p == place and c in zones))
            rows.append([code, state, " ".join(sorted(rest)), source + ", zones of the state"])
    comments = [
        "Area code of a +1 number: its state, if it is one of the United States' or a territory's, and every time zone it may be in.",
        "source: PyPI phonenumbers 9.0.43 (Apache-2.0); npm us-area-codes 1.0.0 (MIT)",
        f"as_of: {as_of}",
        "Made by generate.py; not to be edited.",
    ]
    return table(comments, ["code", "states", "zones", "state_source"], rows)


def folded(character):
    """The ASCII letters that a character stands for, and how: an accent, or a look-alike."""
    base = [c for c in unicodedata.normalize("NFD", character) if not unicodedata.combining(c)]
    if len(base) == 1 and base[0].lower() in LETTERS and base[0] != character:
        return base[0].lower(), "accent"
    wide = unicodedata.normalize("NFKC", character).lower()
    if len(wide) == 1 and wide in LETTERS and not character.isascii():
        return wide, "accent" if ord(character) < 0x250 else "lookalike"
    return None


def lookalikes(confusables, as_of):
    name = "confusable_homoglyphs/confusables.json"
    data = json.loads(zipfile.ZipFile(confusables).read(name))
    found = {}
    for letter in LETTERS + LETTERS[:26].upper():
        for entry in data.get(letter, []):
            character = entry["c"]
            if len(character) == 1 and not character.isascii() and character.isalnum():
                # Latin letters are written by those whose languages have them: nobody hides behind them.
                kind = "accent" if ord(character) < 0x250 else "lookalike"
                found.setdefault(character, (letter.lower(), kind))
    for code in [*range(0x80, 0x3000), *range(0xFF00, 0xFFF0), *range(0x1D400, 0x1D800), *range(0x24B6, 0x24EA)]:
        fold = folded(chr(code))
        if fold and (fold[1] == "accent" or chr(code) not in found):
            found[chr(code)] = fold
    rows = [[f"{ord(c):04X}", letter, kind] for c, (letter, kind) in sorted(found.items())]
    comments = [
        "Characters that stand for an ASCII letter or digit: accented ones, and those that only look like one.",
        "source: Unicode confusables.txt by PyPI confusable-homoglyphs 3.3.1 (MIT); Unicode decompositions",
        f"as_of: {as_of}",
        "Made by generate.py; not to be edited.",
    ]
    return table(comments, ["code", "ascii", "kind"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the packages lie")
    parser.add_argument("--as-of", required=True)
    parser.add_argument("--check", action="store_true", help="only compare")
    args = parser.parse_args()

    def one(pattern):
        return next(args.folder.glob(pattern))

    made = {
        "places.csv": places(one("phonenumbers-*.whl"), one("us-area-codes-*.tgz"), args.as_of),
        "lookalikes.csv": lookalikes(one("confusable_homoglyphs-*.whl"), args.as_of),
    }
    stale = 0
    for name, text in made.items():
        path = HERE / name
        if not args.check:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            print(f"{name} isn't what the packages give")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
