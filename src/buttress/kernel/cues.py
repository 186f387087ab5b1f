"""Words by which a text is known to speak to an assistant: a table, with the reason for each. Pure."""

import re

import msgspec


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """Words by which a text is known to speak to an assistant.

    `anchors` are pieces of lower-case words: without one of them `pattern` cannot match, and is not tried.
    """

    name: str
    because: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    is_strong: bool


def _cue(name: str, because: str, anchors: str, pattern: str, *, is_strong: bool = True) -> Cue:
    """Return a cue; `anchors` are divided by commas, `pattern` is read verbosely, for lower-case text."""
    for short, long in _SHORT.items():
        pattern = pattern.replace(short, long)
    compiled = re.compile(pattern, re.VERBOSE | re.MULTILINE)
    return Cue(
        name=name, because=because, anchors=tuple(anchors.split(",")), pattern=compiled, is_strong=is_strong
    )


_SHORT = {
    "<do>": r"""(?:^|[.:;,!?()\[\]"'“”‘’*_>/–—-]\s{0,3}
        |\b(?:please|and|then|now|must|should|will|to|also|so|or|simply|just|kindly|instead|always)\s{1,3})""",
    "<gap>": r"(?:\W{1,4}\w{1,30}){0,3}?\W{1,4}",
    "<near>": r"\W{1,4}(?:\w{1,30}\W{1,4}){0,2}",
    "<wide>": r"(?:\W{1,4}\w{1,30}){0,16}?\W{1,4}",
    "<ai>": r"""(?:a\.?i\.?(?:\W(?:assistant|agent|model|system|bot|tool|reader)s?)?|llms?
        |language\W{1,3}models?|assistants?|chat\W?bots?|chatgpt|gpt-?\w{0,4}|claude|copilot|gemini|virtual\W(?:assistant|agent)s?)""",
    "<told>": r"(?:instructions?|prompts?|directives?|directions|guidelines|commands?|orders|rules)",
    "<answer>": r"(?:answers?|response|reply|replies|responses|output|summary)",
    "<asker>": r"(?:(?:user|customer|visitor|client|reader|human|patient|guest)s?|people|person)",
}
"""What several patterns share: the beginning of a request, a few words, who is meant."""

CUES: tuple[Cue, ...] = (
    _cue(
        "override",
        "only who was given instructions before can be told to leave them",
        "ignor,disregard,regardless,forget,overrid,bypass,discard",
        r"""<do>(?:ignor(?:e|ing)|disregard|forget|override|bypass|discard)<gap>
            (?:previous|prior|earlier|preceding|initial|original|system|safety|your)<near>
            (?:<told>|requests?|tasks?|inputs?)\b
          | <do>(?:ignore|disregard|forget|override)\s(?:all|any|every)<near>
            (?:instructions?|prompts?|directives?|boundaries|restrictions)\b
          | \bregardless\sof<gap>(?:previous|prior|earlier|your)<near>(?:<told>|inputs?|requests?)\b""",
    ),
    _cue(
        "override in other languages",
        "the same in German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese, Japanese",
        "ignor,missacht,vergiss,vergess,oubli,olvid,esque,negeer,vergeet,dimentic,zignor,игнорир,забуд,忽略,无视,無視",
        r"""\b(?:ignorier\w{0,3}|missacht\w{0,3}|vergiss|vergesst|vergessen)<gap>
                (?:bisherig|vorherig|vorig|früher|obig|vorangegangen|all|dein|eur)\w{0,4}<near>
                (?:anweisung|instruktion|vorgabe|befehl|regel)\w{0,3}
          | \b(?:ignor|oubli|olvid|dimentic|esque)\w{1,4}<gap>
                (?:instructions|consignes|directives|règles|instrucciones|indicaciones|órdenes
                    |istruzioni|indicazioni|instruções|orientações)<near>
                (?:précédent|antérieur|ci-dessus|initial|reçu|anterior|previ|preced)
          | \b(?:negeer|vergeet)<gap>(?:eerdere|vorige|voorgaande|alle|je|jouw)<near>
                (?:instructies|aanwijzingen|opdrachten)
          | \bzignoruj<gap>(?:instrukcj|polece)\w{0,4}
          | \b(?:игнорируй|забудь)\w{0,3}<gap>(?:инструкци|указани)\w{0,3}
          | (?:忽略|无视|無視).{0,12}(?:指令|指示|说明|提示|命令) | (?:指示|命令).{0,6}無視""",
    ),
    _cue(
        "address",
        "the text names an assistant as its reader",
        "note,messag,instruct,attention,notice,memo,reminder,dear,hey,hello,hinweis,nachricht",
        r"""\b(?:notes?|messages?|instructions?|attention|notice|memo|reminder|warning)\s(?:to|for|of)\s
                (?:(?:any|all|the|every|an|each|you|other|whichever|future)\s){0,4}<ai>\b
                (?=\s{0,2}[:,–—]|\s{0,3}\Z
                    |\s(?:that|who|which|read|process|assist|summar|us(?:e|ing)|when|if)\w{0,9})
          | ^\W{0,6}(?:dear|hey|attention)[,:!]?\s(?:ai|llm|chatgpt|claude|assistant|chat\W?bot|model)\b\W
          | \b(?:hinweis|nachricht|anweisung)\s(?:an|für)\s
                (?:(?:alle|jede[nr]?|den|die|das)\s){0,2}(?:ki\b|ai\b|assistent|chatbot)""",
    ),
    _cue(
        "reader",
        "only a machine that reads the page can be meant",
        "if you,when you,as an,assistant,llm,model,chatbot,ai ",
        r"""\bif\syou\sare\s(?:told|asked)\sto\s(?:summari[sz]e|translate)\b
          | \b(?:if|when)\syou(?:\sare|['’]re)\s(?:an?\s)?(?:\w{1,15}\s)?<ai>\b
          | \b(?:any|every|all|an?)\s(?:ai|llms?|language\smodels?|assistants?|chat\W?bots?)
                (?:\s(?:assistant|agent|model|bot)s?)?\s
                (?:that|who|which|when)\s?(?:is\s|are\s)?(?:read|process|summari[sz]|pars|index|see)\w{0,4}\sthis\b""",
    ),
    _cue(
        "identity",
        "it tells the reader that it is, or should play, somebody",
        "you are,you’re,you're,act as,pretend,roleplay,role-play,from now on,act like,behave",
        r"""\b(?:you\sare|you['’]re)\s(?:now\s)?an?\s(?:[\w-]{1,20}\s){0,3}(?:ai|llm|language\smodel|chat\W?bot)\b
          | \b(?:you\sare|you['’]re)\s(?:now\s)?(?:an?\s|the\s|my\s)?
                (?:(?:helpful|unrestricted|uncensored|unfiltered|virtual|advanced|powerful|evil|expert|friendly)\s){0,2}
                (?:a\.?i\.?|artificial\sintelligence|language\smodel|llm|assistant|chat\W?bot|dan|chatgpt|gpt|claude)\b
          | \byou\sare\s(?:now\s)?(?:operating|running|acting|functioning)\s(?:as|in)\b
          | \bfrom\snow\son\W{1,3}
                (?:you\s(?:are|will|must|answer|respond)|answer|respond|reply|always|act|ignore)\b
          | \b(?:i\s(?:want|need)\syou\sto|you\s(?:will|must))\s(?:now\s)?(?:act\sas|pretend|roleplay)\b
          | (?:^|[.!?:]\s)(?:pretend|role-?play|imagine)\s(?:that\s)?(?:you\sare|you['’]re|to\sbe|as)\b
          | (?:^|[.!?:]\s)(?:act|behave)\s(?:as|like)\s(?:if\syou|an?\s|my\s|the\s)""",
    ),
    _cue(
        "new role",
        "somebody is told to be another from here on",
        "you are now",
        r"\byou\sare\snow\s(?:an?|the|in|free|able|called|named|no)\b",
        is_strong=False,
    ),
    _cue(
        "system prompt",
        "only a model has one, and only it can tell it",
        "prompt,instruction,you are',you are\",you are’,you are”,above this",
        r"""<do>(?:reveal|repeat|print|output|show|display|paste|leak|disclose|tell|give|copy|recite|return|write|say|share|
                ignore|forget)<gap>(?:system|initial|hidden|developer|secret|your|original)<gap>?
                (?:prompt|instructions)\b
          | \byour\s(?:system|initial|hidden|secret)\s(?:prompt|instructions?|message)\b
          | \b(?:starting|beginning|start|begin|starts|begins)\swith\s['"‘“]you\sare | ['"‘“]you\sare['"’”]
          | \babove\sthis\s(?:message|prompt|instruction)""",
    ),
    _cue(
        "instructions anew",
        "a document does not give its reader a new task in place of an old one",
        "new ,task,mode,do anything,instruction",
        r"""(?:^|[*#\[=]\s{0,3})(?:(?:new|updated|real|actual|important|urgent|additional|revised)\s){1,3}
                (?:instructions?|task|directive|system\sprompt)\s?(?:[*:\]#=!]|$)
          | \byour\s(?:new|real|actual|only)\s(?:task|instructions?|goal|role|job|objective)\s(?:is|are)\b
          | \b(?:developer|dan|jailbreak|god|unrestricted)\s?mode\b<wide>(?:you|respond|enabled|activated)\b
          | \bdo\sanything\snow\b | \bi\sgave\syou\syour\sinstructions\b
          | (?:^|\n)\W{0,4}priority\stask\b""",
    ),
    _cue(
        "role marks",
        "they divide the turns of a conversation with a model",
        "<|,inst],sys>>,system,override",
        r"""<\|(?:im_start|im_end|system|user|assistant|endoftext|end_of_turn|eot_id|start_header_id)\b
          | \[/?inst\] | <</?sys>>
          | ^\W{0,6}system\s?(?:override|prompt|message)?\s?:\W{0,4}
                (?:you|ignore|disregard|from|new|all|the\sassistant|assistant|do\s|always|never|respond|your|answer|tell)\b
          | \bsystem\s?(?:prompt\s)?override:""",
    ),
    _cue(
        "shape of the answer",
        "the reader of a document gives no answer that could be shaped",
        "answer,respon,reply,replies,output,message,summary",
        r"""<do>(?:add|append|begin|start|end|finish|conclude|close|open|include|insert|integrate|incorporate
                    |embed|augment|enhance|modify|rearrange|scramble|replace|substitute|convert|translate|render
                    |remove|use|encode|anagram|misspell|repeat|say|write|output|print|group|jumble|introduce|spell
                    |shuffle|weave|put|place|respond|suggest|tease|promote|recommend|mention|advertise)\b
                <wide>your\s(?:\w{1,15}\s)?<answer>\b
          | \b(?:in|into|to|of|with|throughout)\syour\s(?:next\s|final\s)?<answer>\b\W{1,3}(?:[a-z]+\W{1,3})?
                (?:add|include|insert|append|mention|tease|suggest|recommend|promote|use|write|say|hint)\b
          | <do>(?:provide|give|write|deliver|present|render|put|encode|format)\syour\s(?:\w{1,15}\s)?
                (?:answer|response|reply|message)\b
          | \brespond\s(?:only\s)?(?:with|by|in|as)\b<wide>(?:only|nothing\selse|verbatim|exactly)\b
          | \b(?:include|put|insert)\sin\s(?:your|the)\s(?:answer|response|reply)\b""",
    ),
    _cue(
        "shape of the answer in other languages",
        "the same in German, French, Spanish, Italian, Dutch; in Irish, Scottish Gaelic, Albanian and Zulu",
        "antwort,réponse,respuesta,risposta,antwoord,fhreagra,fhreagairt,përgjigj,mpendul",
        r"""\b(?:füge|ergänze|schreibe?|beginne|beende|nenne|erwähne|gib)<wide>(?:deine|eure)[rnms]?\santwort
          | \b(?:ajoute|inclus|insère|termine|commence|mentionne)[sz]?<wide>(?:ta|votre)\sréponse\b
          | \b(?:añade|incluye|inserta|agrega|termina|empieza|menciona)<wide>tu\srespuesta\b
          | \b(?:aggiungi|includi|inserisci|termina|inizia)<wide>tua\srisposta\b
          | \b(?:voeg|neem|zet|noem|begin|eindig|vermeld)<wide>(?:je|jouw)\santwoord\b
          | \b(?:do|nad)\sfhreag(?:ra|airt)\b | \bfhreagairt\sagad\b | \bpërgjigj\w{1,4}\stënde\b
          | mpendul(?:o|weni)\syakho\b""",
    ),
    _cue(
        "telling the asker",
        "what everybody who asks is to be told is said to whoever answers them: an assistant, or staff",
        "tell,inform,advis,convinc,persuad,assur,offer,give,promis,direct,urge,instruct,remind,answer,asked,ask",
        r"""<do>(?:tell|inform|advise|convince|persuade|assure|offer|give|promise|direct|urge|instruct|remind
                    |answer)\s(?:to\s)?(?:(?:every|all|each|any|the|your|our)\s)?
                (?:<asker>|anyone|everyone|everybody)\b
          | \b(?:if|when|whenever)\s(?:(?:the|a|any|an)\s)?
                (?:you['’]?(?:\sa)?re\s(?:ever\s)?asked|(?:someone|anyone|somebody)\sasks|they\sask|asked
                    |<asker>\sasks?)\b
                <wide>(?:answer|respond|say|reply|tell|claim|state)\b""",
        is_strong=False,
    ),
    _cue(
        "secrecy",
        "the note is to be kept from whoever gets the answer",
        "mention,reveal,disclos,tell,say,cite,refer,inform,acknowledg,show",
        r"""\b(?:do\snot|don['’]t|never|without)\s(?:ever\s)?
                (?:mention|reveal|disclose|tell|cite|refer|inform|acknowledge|show|quote)(?:ing)?\b<gap>
                (?:this|these)\s(?:note|instruction|message|prompt|rule|text|document|page|request|task)s?\b
          | \b(?:do\snot|don['’]t|never|without)\s(?:ever\s)?(?:tell|inform|let|telling|informing)\s
                (?:the|any)\s<asker>\b""",
        is_strong=False,
    ),
)
"""What is looked for, and why it tells."""
