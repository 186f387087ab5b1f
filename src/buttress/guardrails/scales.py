"""Words that turn what a sentence says: denials, and words that stand against each other on a scale. Pure.

Each scale is a paragraph; its poles are divided by bars. A word may be on several scales.
"""

DENIALS = frozenset(
    """not no never none nobody nothing neither nor cannot
    nicht kein keine keinen keinem keiner keines nie niemals
    pas jamais aucun aucune nunca mai niet geen nooit não inte aldrig ingen inga
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
NEAR_DENIALS = frozenset(
    """unable fail fails failed failing lack lacks lacked lacking absent absence impossible unlikely prohibit
    prohibits prohibited forbid forbids forbidden prevent prevents prevented exclude excludes excluded except
    instead hardly barely rarely seldom refuse refuses refused reject rejects rejected deny denies
    denied avoid avoids avoided unavailable unsupported disabled independent insufficient unknown unclear
    ineffective incompatible invalid missing
    """.split()  # noqa: SIM905 - the same
)
"""Words that say no without a `not`: a denial in other words may stand on them."""
REFUSALS = frozenset(
    """forbid forbids forbidden prohibit prohibits prohibited impossible refuse refuses refused reject rejects
    rejected deny denies denied unavailable hardly barely rarely seldom
    """.split()  # noqa: SIM905 - the same
)
"""Those of them that a source must have, too, or a denial in their place."""

CONDITIONS = frozenset(
    """if unless except wenn falls sofern außer nur sauf seulement excepto salvo tranne tenzij alleen endast
    """.split()  # noqa: SIM905 - the same
)
"""Words without which a sentence says more than it did."""

LIGHT = frozenset(
    """use used uses using make makes made making provide provides provided providing include includes
    included including allow allows help helps way ways thing things specific various different order able
    ability according based key such well e g i ie eg etc like when while during within across between both
    new give gives given set specifically particular particularly additional additionally several
    multiple main key certain feature features functionality create creates creating process perform
    performs ensure ensures ability potentially effectively easily overall related currently involve
    involves indicate indicates offer offers enable enables need needs involving result results easier
    easy better best more less also
    """.split()  # noqa: SIM905 - the same
)
"""Words of which a good writer uses many that the source does not: they count neither way."""

_SCALES = """
    all every each always entire entirely whole both | some sometimes several most mostly often
        usually generally partly | few rarely seldom hardly little | none neither never no

        many | few

        most | least

        only solely exclusively | also additionally too

        more greater most | less fewer least smaller

        increase increases increased increasing higher rise rises rose raise raises raised grow
        grows grew high elevated elevates elevate elevation highest enhance enhances enhanced |
        decrease decreases decreased decreasing lower lowers lowered reduce reduces reduced reducing
        fall falls fell decline declines declined drop drops dropped low lowest diminish diminishes
        diminished reduction

        larger largest bigger biggest large greater | smaller smallest small

        faster fastest fast quick quicker quickly | slower slowest slow slowly

        better best improve improves improved improving improvement | worse worst worsen worsens
        worsened declined deteriorated poorer poor

        before prior previously until earlier preceding precede | after following afterwards later
        since

        above over exceeds exceed exceeding | below under beneath

        longer longest long | shorter shortest short

        minimum min least | maximum max most

        first | last | second | third

        early earlier earliest | late later latest

        older oldest old elder | younger youngest young

        stronger strongest strong | weaker weakest weak

        promote promotes promoted promoting activate activates activated activating activation
        enhance enhances enhanced induce induces induced stimulate stimulates stimulated | inhibit
        inhibits inhibited inhibiting inhibition prevent prevents prevented suppress suppresses
        suppressed block blocks blocked impair impairs impaired

        north northern | south southern | east eastern | west western

        accept accepts accepted | reject rejects rejected refuse refuses refused

        allow allows allowed permit permits permitted enable enables enabled | forbid forbids
        forbidden prohibit prohibits prohibited disable disables disabled

        begin begins began start starts started | end ends ended stop stops stopped

        include includes included including | exclude excludes excluded excluding

        win wins won winning | lose loses lost losing

        positive positively | negative negatively

        internal internally | external externally

        public | private

        with | without

        must required mandatory | may optional optionally
"""


def _poles() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the scales and poles of each word."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for number, line in enumerate(_SCALES.split("\n\n")):
        for pole, words in enumerate(line.split("|")):
            for word in words.split():
                found[word] = (*found.get(word, ()), (f"scale {number}", f"pole {pole}"))
    return found


POLES = _poles()
"""The (scale, pole) pairs of a word."""
