"""Makes the contacts, the same ones every time, and says who has which number.

Nothing is random: person `i` has number `mobile(i)`, and the position of a question gives its number. `lookups.lua` has
the same arithmetic, so wrk needs no list of numbers.
"""

from pathlib import Path

SPACE = 60_000_000  # the mobiles 0720 000 000 to 0779 999 999, all of them valid in Romania
STRIDE = 7_368_787  # shares no factor with SPACE: neighbours in the file are far apart by number
SPREAD = 999_983  # a prime: neighbours among the questions are far apart in the file
STRANGERS = 20_000_000  # from here on, persons are in no file

FAMILY = ("Popescu", "Ionescu", "Dumitru", "Stan", "Gheorghe", "Șerban", "Țăranu", "Müller", "Schäfer", "Weiß", "Smith",
          "Johnson", "O'Neil", "García", "Dubois", "Kovács", "Nowak", "Rossi", "Ștefănescu", "Marin", "Dobre", "Barbu", "Nistor")
GIVEN = ("Maria", "Ana", "Ion", "Andrei", "Elena", "Mihai", "Ștefan", "Ioana", "George", "Cristina", "Radu", "Jürgen",
         "Anke", "John", "Mary", "José", "Chloé", "Zoltán", "Agnieszka", "Luca", "Vlad", "Irina", "Dan", "Oana", "Sorin",
         "Alina", "Florin", "Diana", "Paul")
TRADES = ("Consulting", "Transport", "Dental", "Construct", "Media", "Software", "Agro")


def mobile(person: int) -> str:
    """The national form, as the PBX sends it: `0722123456`."""
    return f"07{20_000_000 + (person * STRIDE + 12_345) % SPACE:08d}"


def asked(position: int, contacts: int) -> tuple[str, int | None]:
    """The number of a question, and the id of the contact that has it: every fifth is nobody's."""
    if position % 5 == 4:
        return mobile(STRANGERS + position), None
    person = (position - position // 5) * SPREAD % contacts
    return mobile(person), person + 1


def name(person: int) -> str:
    """Family name, given name; the pairs repeat after some hundreds of persons, as in life."""
    return f"{FAMILY[person % len(FAMILY)]} {GIVEN[person // len(FAMILY) % len(GIVEN)]}"


def human_spellings(national: str) -> list[str]:
    """Eight ways in which people write one number; the first is the national form."""
    area, middle, end = national[1:4], national[4:7], national[7:]
    return [
        national,
        f"0{area} {middle} {end}",
        f"0{area}.{middle}.{end}",
        f"(0{area}) {middle}-{end}",
        f"+40{area}{middle}{end}",
        f"+40 {area} {middle} {end}",
        f"0040{area}{middle}{end}",
        f"+40 (0){area}/{middle}{end}",
    ]


def foreign_number(person: int) -> str:
    """A second number, in the United States or in Germany, spelled as there."""
    tail = person * 7919 % 1_000_000
    if person % 20 == 0:
        return f"+1 (212) {2 + person // 20 % 7}{tail // 10_000:02d}-{tail % 10_000:04d}"
    return f"0049 171/{2 + person // 20 % 7}{tail:06d}"


def row(person: int, generation: int) -> str:
    """A line of the messy file; another generation has other companies, so that a second import changes every row."""
    spellings = human_spellings(mobile(person))
    numbers = spellings[person * 31 // 7 % len(spellings)]
    if person % 10 == 0:
        numbers += "; " + foreign_number(person)
    full = name(person)
    trade = TRADES[(person + generation) % len(TRADES)]
    return f'{person + 1},"{full}",{numbers},{full.split()[0]} {trade} SRL,contact{person + 1}@example.com\n'


def write_messy(path: Path, contacts: int, generation: int = 1) -> Path:
    """The file as somebody exported it: mixed spellings, some with two numbers in the cell. For calldex and sqlite3."""
    return _write(path, "id,name,telephone,company,email\n", contacts, lambda person: row(person, generation))


def write_clean(path: Path, contacts: int) -> Path:
    """The same people with one national number each: the PHP page compares text and finds nothing else."""
    return _write(path, "id,name,telephone\n", contacts, lambda person: f'{person + 1},"{name(person)}",{mobile(person)}\n')


def _write(path: Path, header: str, contacts: int, line) -> Path:
    """Writes a file unless it is there, whole: a broken run leaves only a `.part` behind."""
    if path.exists():
        return path
    print(f"bench: writing {path.name}", flush=True)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(header)
        for start in range(0, contacts, 50_000):
            file.write("".join(map(line, range(start, min(start + 50_000, contacts)))))
    part.rename(path)
    return path
