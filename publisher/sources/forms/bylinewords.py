"""The words of bylines: roles, joiners, degrees, agencies, and what is not a name. Data, with its look-ups."""

from __future__ import annotations

import re
from collections.abc import Iterable

AUTHOR, EDITOR, PHOTO, AGENCY, OTHER = "author", "editor", "photo", "agency", "other"

_ROLES = {
    AUTHOR: (
        "reporter|reporters|penulis|pewarta|wartawan|jurnalis|oleh|ditulis oleh|dilaporkan|dilaporkan oleh|laporan"
        "|laporan wartawan|laporan reporter|laporan kontributor|laporan khusus|kontributor|kontributor khusus"
        "|koresponden|teks|naskah|tulisan|kolom oleh"
        "|by|author|authors|author(s)|written by|words|words by|story|story by|text|text by|reporting|reporting by"
        "|report by|reported by|correspondent|correspondents|contributor|contributors|contributor(s)|contributing"
        "|contributing reporter|contributing reporters|additional reporting|additional reporting by|posted by|writer"
        "|writers|journalist|as told to|analysis by|opinion by|review by|interview by"
        "|von|autor|autorin|autoren|autor:in|autor(en)|text von|bericht|ein bericht von"
        "|par|auteur|auteurs|auteure|autrice|auteur(s)|texte|texte de|textes|propos recueillis par"
        "|por|texto|texto de|textos|autora|autores|autor(es)|autor/a|redacción|redação|escrito por"
        "|a cura di|testo|testi|testo di|autore|autori|door|tekst|överst|av|af|przez|autorzy|autorka"
        "|автор|авторы|текст|yazan|haber|文|作者|记者|記者|撰文|글"
    ),
    EDITOR: (
        "editor|editors|editor(s)|editor bahasa|editor:in|penyunting|redaktur|redaktur pelaksana|disunting oleh"
        "|disunting|edited by|editing|editing by|redigiert von|bearbeitet von|éditeur|éditrice|édité par|edición"
        "|editado por|edição|editora|editor(a)|redattore|redigerad av|redaktør|redaktör|redaktor|редактор"
        "|编辑|編集|編輯|责任编辑|責任編輯|责编"
    ),
    PHOTO: (
        "foto|fotos|foto-foto|foto's|foto oleh|fotografer|pewarta foto|fotografi|foto von|fotos von|foto de|fotos de"
        "|foto por|fotos por|foto di|photo|photos|photo by|photos by|photographer|photographers|photography"
        "|photography by|photographs|photographs by|photograph by|pictures|pictures by|bild|bilder|bild von"
        "|bilder von|fotograf|fotografin|fotografie|fotografía|fotografías|fotografia|fotografias|fotógrafo"
        "|photographe|photographies|crédit photo|ilustrasi|ilustrator|ilustrasi oleh|illustrasi|illustration"
        "|illustrations|illustration by|illustrations by|illustrator|ilustración|ilustraciones|ilustração|grafis"
        "|infografis|grafik|graphic|graphics|graphics by|video|video by|videografer|videographer|kamera|kameramen"
        "|kamerawan|camera|fotografo|imágenes|imagens|фото|摄影|攝影|撮影|사진|zdjęcia"
    ),
    AGENCY: (
        "sumber|sumber berita|source|sources|quelle|quellen|fuente|fuentes|fonte|fonti|bron|bronnen|källa|kilde"
        "|źródło|источник|来源|來源|출처|agence|agentur|agencia"
    ),
    OTHER: (
        "penerjemah|alih bahasa|translator|translators|translated by|translation|translation by|übersetzung"
        "|übersetzt von|traduction|traducción|tradução|produser|producer|producers|produced by|producing by|uploader"
        "|pengunggah|diunggah oleh|uploaded by|publisher|penerbit|penanggung jawab|desain|design by|layout|riset"
        "|research|research by|data|narator|presenter|host"
    ),
}
_BY_LABEL = {label: role for role, labels in _ROLES.items() for label in labels.split("|")}


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def _either(labels: Iterable[str]) -> str:
    return "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))


_L = _either(_BY_LABEL)
_AND = r"\s?(?:/|&|,|\+|\b(?:und|dan|and|et|e|y|en|och|og)\b)\s?"

LABEL = re.compile(rf"(?<![\w@.])(?P<label>(?:{_L})(?:{_AND}(?:{_L}))*)(?:\s?[:：]|\s[–—=-](?=\s))\s*", re.IGNORECASE)
"""A role word with a colon or a dash behind it; several, "Text und Fotos:", are all meant."""

_OPENERS = (
    "by|oleh|ditulis oleh|disunting oleh|dilaporkan oleh|laporan wartawan|laporan reporter|laporan kontributor"
    "|laporan khusus wartawan|written by|words by|text by|story by|reporting by|report by|reported by|edited by"
    "|editing by|additional reporting by|translated by|photos by|photo by|photographs by|photography by|pictures by"
    "|illustration by|illustrations by|graphics by|video by|posted by|as told to|analysis by|opinion by|review by"
    "|produced by|interview by|von|text von|fotos von|bilder von|ein bericht von|par|texte de|propos recueillis par"
    "|por|texto de|fotos de|escrito por|editado por|a cura di|testo di|foto di|door|przez"
)
LEAD = re.compile(
    rf"(?:^|(?<=[;|/.] )|(?<=, ))(?P<label>{_either(_OPENERS.split('|'))})\s+(?=[^\W\d_])"
    r"|(?:^|(?<=[|/;•] ))(?P<upright>Reporter|Penulis|Pewarta|Wartawan|Jurnalis|Editor|Redaktur|(?<![^ ])di|af|av)\s+"
    r"(?=[A-ZÀ-Þ]\S+\s+[A-ZÀ-Þ])",
    re.IGNORECASE,
)
"""A role word without a colon, where one can stand: at the start and behind a closed part."""

_STRONG = r"\s*(?:\||;|•|\n|、|；|｜|／|\s·\s|/)\s*|\s+[–—-]{1,2}\s+"
_WORD = (
    r"dan juga|dan|serta|bersama dengan|bersama|and|und|sowie|et|with files from|with|mit|avec|oraz|och|og|ve|и|та|va"
    r"|con la colaboración de|con"
)
JOINERS = re.compile(
    rf"{_STRONG}|\s*,?\s*(?:&|\+)(?!\s*(?:Co|Company|Sons|Partners|Rekan|Cie|Söhne)\b)\s*"
    rf"|\s*,\s*(?:(?:{_WORD}|y|e|en|i)\s+)?|\s+(?:{_WORD}|And|Und)\s+|\s+(?P<weak>y|e|en|i)\s+"
)
SHOUTED_JOINERS = re.compile(rf"(?i:{JOINERS.pattern.replace('y|e|en|i)', 'y)')})")
"""As above for a line of capitals, in which "E" and "I" are initials."""

TAIL = re.compile(
    r"\s*(?:\b\d+ ?min(?:s|utes?)?\b|copyright\b|hak cipta|©|\(c\)|\bupdated:?\s"
    r"|\bpublished:?\s|\bdiperbarui|\bditerbitkan|\bstand:\s).*$",
    re.IGNORECASE,
)
"""What may follow a byline on its line and is none."""

AND_OTHERS = re.compile(r",?\s+(?:dkk|dan kawan-kawan|et al|and others|u\.\s?a|y otros|et autres)\.?$", re.IGNORECASE)
"""Words for people who are not named."""

BEFORE_HAN = re.compile(r"^(文|记者|記者|作者|撰文)\s*[/／|｜:：]?\s*(?=[\u3400-\u9fff])")

BEHIND_NAME = re.compile(
    r"(?<=[\uac00-\ud7a3])\s*(?:(?:인턴|선임|수습|객원|전문)\s?)?(?:기자|특파원|논설위원)(?=$|[\s,·/|=(\]])"
    r"|(?<=[\u3040-\u30ff\u3400-\u9fff])\s*(?:記者|特派員|論説委員)(?=$|[\s,、・/|(\]])"
)
"""The role that Korean and Japanese newsrooms put behind a name: "김하늘 기자"."""

ADDRESS = re.compile(r"<[^<>\s]*@[^<>\s]*>|\(?\b[\w.+-]+@[\w-]+\.[\w.-]+\)?|https?://\S+|(?<!\S)@\w+|\(@\w+\)")

_MONTHS = (
    "jan|feb|mar|apr|may|mei|mai|jun|jul|aug|agu|agt|ags|sep|oct|okt|out|nov|nop|dec|des|dez|déc|ene|abr|ago|dic|fév"
)
DATED = re.compile(
    rf"\d{{1,2}}[./:]\d{{2}}|\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:de\s+)?(?:{_MONTHS})|\b(?:{_MONTHS})[a-zç]*\.?\s+\d"
    r"|\b(?:19|20)\d\d\b|^(?:mon|tues|wednes|thurs|fri|satur|sun)day$"
    r"|^(?:senin|selasa|rabu|kamis|jum.?at|sabtu|minggu)$"
    r"|\b(?:WIB|WITA|GMT|UTC)\b|\bmin(?:ute)?s?\b(?: read)?|\bhours? ago|\bjam lalu",
    re.IGNORECASE,
)
"""What is a date or a time, and stands in many a byline."""

_DEGREES = words(
    """
    se mm msi phd md mba ma msc bsc ba bed sh mh mhum skom mkom sos ssos ssi st mt spd mpd sag mag lc sip map mip mph
    skm mkes skep ners ns amd dds jd llm llb esq jr sr ii iii iv rn cfa cpa ak ca cfp mfin msn mn sik mik sst sikom
    mikom sp spi sked sptk stp spt spsi mpsi psi psikolog skes sfarm apt sstp mpa mtr mtrp mcom mphil dphil edd dba faan
    frs obe mbe cbe kbe kcmg qc kc mp mep mla fsi fisip sgz mgz dipl ing dipling mdiv sth mth pd sf mf seak mak makt cma
    bkp crm cfe qia hons bhons meng beng mres pgd dea hdr og spog spjp sppd spa spb span spkj spm spn spp sprad spok spu
    finasim kgeh kic kger kptvm sss mss shum sds sthi shi mhi sei mei spdi mpdi sud sap ssn sin lcpc phdc cand bba rer
    nat med dmed mdmba alm almh
    """
)
_BARE_DEGREES = words("jr sr esq lc ak hons cand")
"""What is one without periods and with one capital; "Mei" and "Nat" are people."""

_DOTTED = re.compile(r"(?:[A-Z][A-Za-z]{0,3}\. ?){1,4}(?:[A-Z][A-Za-z]{0,3}\.?)?(?: ?\([A-Za-z .]{2,12}\))?")


def is_degree(text: str) -> bool:
    """Whether what follows a comma is a degree, an honour or "Jr.", and belongs to the name before: "S.E., M.Si."."""
    shown = text.strip()
    shown = re.sub(r"\(\w{1,3}\)$", "", shown)
    letters = "".join(character for character in shown if character.isalpha()).casefold()
    if not letters or len(shown) > 30 or not shown[0].isalpha() or not (shown[0].isupper() or "." in shown):
        return False
    if letters in _DEGREES and ("." in shown or sum(map(str.isupper, shown)) > 1 or letters in _BARE_DEGREES):
        return True
    parts = shown.split()
    if len(parts) > 1 and all(map(is_degree, parts)):
        return True
    # Letters with periods between them, and no word longer than a degree's: "S.I.Kom.", "M.Sc.Eng".
    return "." in shown.rstrip(".") and " " not in shown and _DOTTED.fullmatch(shown) is not None


_AGENCIES = frozenset(
    (
        "Reuters|Thomson Reuters|Associated Press|The Associated Press|Agence France-Presse|Agence France Presse|"
        "Deutsche Presse-Agentur|ANTARA|Antara News|Kantor Berita Antara|LKBN Antara|Xinhua|Bloomberg|"
        "Bloomberg News|Kyodo|Kyodo News|EuropaPress|Europa Press|Agencia EFE|ANSA|TASS|ITAR-TASS|Interfax|"
        "RIA Novosti|Yonhap|Yonhap News|Bernama|Press Trust of India|Press Association|PA Media|Canadian Press|"
        "The Canadian Press|Keystone-SDA|Ritzau|Belga|Lusa|Estadão Conteúdo|Agência Brasil|Agência Lusa|Notimex|"
        "Télam|Anadolu|Anadolu Agency|Sputnik|Jiji|Jiji Press|Dow Jones|Dow Jones Newswires|"
        "Australian Associated Press|Adnkronos|Agerpres|Ukrinform|Tanjug|Hina|Tasnim|Europapress|Getty Images|"
        "DPA-AFX|AFP-Services|dpa-infocom|Jakarta Globe News Agency|"
        "新华社|中新社|共同社|時事|共同通信|時事通信|ТАСС|Интерфакс|РИА Новости"
    )
    .casefold()
    .split("|")
)
_SHOUTING = words(
    """
    AP AFP AFPTV DPA APA SDA ATS KNA EPD SID NTB TT STT ANP EFE PTI IANS ANI UPI PA AA DHA IHA WAM SPA MENA VNA CP AAP
    NZPA BTA MTI CTK ČTK PAP ANT TASS XINHUA REUTERS ANTARA BLOOMBERG VOA AFX ANSA
    """
)
_WHISPERED = words("dpa sda apa ats kna epd sid afp ap rtr")
_SPOKEN_NAMES = words("ANI TT SPA PA AA CP AP SID MENA EFE")


def is_agency(text: str, *, shouted: bool = False) -> bool:
    """Whether it is a news agency. "ANI" is one, "Ani" a person; in a line of capitals (``shouted``) a person, too."""
    shown = text.strip(" .")
    if shown.casefold() in _AGENCIES or shown in _WHISPERED or re.fullmatch(r"(?:dpa|afp|ap)(?:[/-]\w+){1,2}", shown):
        return True
    return shown in _SHOUTING and not (shouted and shown in _SPOKEN_NAMES)


_STAFF = re.compile(
    r"(?:the\s+|our\s+|die\s+|la\s+|le\s+|web\s+)?(?:tim\s+)?(?:redaksi|newsroom|news\s?desk|staff|admin|administrator"
    r"|administrador|webmaster|web\s?admin|superuser|root|user|guest|tamu|anonim|anonymous|anonyme|anónimo|unknown|n/?a"
    r"|none|None|editors?|editorial(?:\s+team|\s+staff|\s+board)?|redaktion|rédaction|redacción|redaccion|redazione"
    r"|redação|redacao|redactie|redaktionen|redaksjonen|redakcja|редакция|toimitus|agencies|agencias|agences|agenturen"
    r"|agenzie|wires|wire\s+services|news\s+agencies|wire\s+reports|staff\s+(?:writers?|reporters?)|news\s+team"
    r"|content\s+team|kontributor|contributors?|berbagai\s+sumber|dari\s+berbagai\s+sumber|diolah|various)"
    r"(?:\s+(?:online|web|digital|team|desk|staff))?",
    re.IGNORECASE,
)
_TEAM = re.compile(
    r"(?:tim|team|équipe|equipo|equipe)\s+(?:redaksi|liputan|peliput|berita|penulis|editor|kreatif|riset|digital|media"
    r"|kompas|tempo|tribun|detik\w*|kumparan|tirto|cnn|cnbc|antara|kontan|bisnis|liputan6|okezone|sindo\w*|viva|republika"
    r"|merdeka|suara|web|online|de|la|of|für)\b.*|.*\b(?:editorial|news|content|web|social media)\s+(?:team|desk|staff)"
    r"|redaksi\s.*|(?:redaktion|rédaction|redacción)\s.*|la\s+(?:rédaction|redacción|redazione)\b.*",
    re.IGNORECASE,
)


def is_staff(text: str) -> bool:
    """Whether it says that nobody is named: "Tim Redaksi", "Staff", "Admin"."""
    return bool(_STAFF.fullmatch(text) or _TEAM.fullmatch(text))


_HOUSE_WORDS = re.compile(
    r"(?<=\S )media\b|^media$|\b(?:news|newsroom|agency|agence|agencia|agenzia|agentur|inc|ltd|llc|gmbh|tbk"
    r"|foundation|institute"
    r"|university|universitas|universität|université|universidad|ministry|kementerian|dinas|humas|polri|pemkot|pemprov"
    r"|pemkab|channel|network|magazine|majalah|koran|harian|surat kabar|zeitung|journal|gazette|verlag|television"
    r"|televisi|televisión|radio|rundfunk|kantor berita|news agency|indonesia|badan|bank|lembaga|yayasan|kompas"
    r"|detik\w*|tribun\w*|liputan6|okezone|kumparan|republika|sindonews|katadata|tirto|nachrichten|noticias|notícias"
    r"|notizie|actualités|press office|pressestelle|bureau|co\.? ltd)\b"
    r"|\b(?:AG|PT|CV|TV|FM|BBC|CNN|CNBC|NBC|CBS|ABC|DW|VOA|RRI|TVRI|ARD|ZDF|ORF|RTL|BPS|RFI|NHK)\b"
    r"|^The\s+.*\b(?:Post|Times|Tribune|Press|Herald|Guardian|Star|Sun|Telegraph|Economist|Independent|Conversation|Age"
    r"|Hindu|Nation|Mirror|Standard|Observer|Globe|Chronicle|Atlantic|Verge)\b"
    r"|\b(?:New York|Washington|Los Angeles|Jakarta|Bangkok|Financial|Straits|Irish|Japan|Korea)\s+"
    r"(?:Post|Times|Herald)\b"
    r"|[&+]\s*(?:Co|Company|Sons|Partners|Rekan|Cie|Söhne)\b",
    re.IGNORECASE,
)
_TOP_LEVEL = re.compile(r"\w{3,}\.(?:com|co\.id|id|net|org|de|co\.uk|fr|es|it|news)$", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:www\.)?[\w-]+(?:\.[\w-]+)*\.(?:[a-z]{2,4}|[A-Z]{2,3}|news|media|online)(?:/\S*)?(?:\s+\S+)?")


_NAMED_PAPERS = (
    "le monde|le figaro|libération|l'équipe|el país|el mundo|la vanguardia|la repubblica|corriere della sera|la stampa"
    "|der spiegel|die zeit|die welt|süddeutsche zeitung|o globo|folha de s.paulo|de telegraaf|de standaard|kontan"
    "|the guardian|the economist|tempo|republika|bisnis indonesia|media indonesia|suara pembaruan|koran sindo"
)
_PAPERS = frozenset(_NAMED_PAPERS.split("|"))


def is_outlet(text: str) -> bool:
    """Whether it is a medium, a company or an office: "Kompas.com", "The Jakarta Post", "Andi & Co"."""
    shown = text.strip()
    if shown.casefold() in _PAPERS:
        return True
    if _DOMAIN.fullmatch(shown):
        return _TOP_LEVEL.search(shown) is not None or (
            not is_degree(shown) and not re.fullmatch(r"(?:[A-Z]\.)+[A-Z][a-z]+", shown)
        )
    return _HOUSE_WORDS.search(shown) is not None or "http" in shown or "@" in shown


_TITLE = re.compile(
    r"\b(?:(?:co-?)?correspondents?|reporters?|editors?|(?:co-?)?writers?|journalists?|columnists?|contributors?"
    r"|analysts?|producers?|fellow|professor of|lecturer|economists?|critics?|photographers?|intern|founder|director"
    r"|spokes\w+|wartawan|jurnalis|kontributor|kolumnis|koresponden|redaktur|pemimpin redaksi|penulis|pengamat|dosen"
    r"|peneliti|guru besar|mahasiswa|direktur|ketua|fotografer|pewarta|editor-in-chief|\w*korrespondent\w*"
    r"|\w*redakteur\w*|reporterin|autorin|journalistin|kolumnistin|volontär\w*|journaliste|correspondante?"
    r"|envoyée?s? spécial\w*|grand reporter|chef du|rédact\w+ en chef|corresponsal\w*|periodista|redactora?"
    r"|enviad[oa] especial|jornalista|correspondente|inviat[oa]|corrispondente|giornalista|verslaggever|redacteur"
    r"|special to|for the|exclusive to|in Chief)\b",
    re.IGNORECASE,
)
_TITLE_ALONE = re.compile(
    r"(?:(?:our|a|an|by|senior|junior|chief|staff|special|guest|freelance|political|business|economics?|foreign|sports?"
    r"|science|health|education|national|world|city|community|local|deputy|managing|assistant|associate|contributing"
    r"|executive|investigative|own|unser|unsere|von unserem|de notre|de nuestro|in-house|khusus|lepas|daerah)\s+)*"
    r"(?:correspondents?|reporters?|editors?|writers?|journalists?|columnists?|contributors?|wartawan|jurnalis"
    r"|kontributor|kolumnis|koresponden|redaktur|korrespondent(?:in)?|redakteur(?:in)?|journaliste|correspondante?"
    r"|corresponsal|periodista|redactora?)(?:\s+(?:in|for|di|de|für|of|at|und|and|khusus)?\s*[\w./ -]{1,40})?",
    re.IGNORECASE,
)


def is_title(text: str, *, apposition: bool = True) -> bool:
    """Whether it is what someone does and no name: behind a name ("…, Chief Correspondent") any words with such a one,
    elsewhere only such words ("Kontributor Bandung").
    """
    return _TITLE_ALONE.fullmatch(text) is not None or (apposition and _TITLE.search(text) is not None)


def without_title(text: str) -> tuple[str, str | None]:
    """A name without the title that follows it on the same line with no comma: "Jane Doe Staff Writer"."""
    match = re.fullmatch(
        r"(\S+(?: \S+){1,3}?) ((?:(?:Chief|Senior|Staff|Special|Foreign|Deputy|Managing|Guest|Freelance)\s)*"
        r"(?:Correspondent|Reporter|Editor|Writer|Journalist|Columnist|Contributor|Wartawan|Kontributor|Redakteur(?:in)?))",
        text,
    )
    return (match[1], match[2]) if match else (text, None)


_PARTICLES = words(
    """
    bin binti van von vom zu zum zur de da do dos das del della dello di du des der den dem ten ter te la le les lo los
    las el al an af av e y i und ibn abu ben bar bat bint op 't 's st d d' l' dr drg drs dra drh ir prof dipl ing h hj
    kh ust ustadz tgk rer nat med mag bap von-der vd 'd o' mc sri
    """
)
_NAME_WORD = re.compile(r"[^\W\d_]+\.?(?:['’ʼ‘`\-‐‑.][^\W\d_]+\.?)*[.'’]?|[('\"“][^\W\d_]+[)'\"”]")


def is_name(text: str) -> bool:
    """Whether a text has the shape of a person's name: one to eight words, each begun by a capital (in scripts that
    have them) or a particle such as "van", with degrees behind commas.
    """
    name, *degrees = re.split(r"\s*,\s*", text.strip())
    parts = name.split()
    if not 1 <= len(parts) <= 8 or len(name) > 80 or not all(map(is_degree, filter(None, degrees))):
        return False
    return all(map(_of_a_name, parts)) and any(not _is_particle(word) or len(parts) == 1 for word in parts)


def _of_a_name(word: str) -> bool:
    if is_degree(word):
        return True
    if not _NAME_WORD.fullmatch(word):
        return False
    first = next(character for character in word if character.isalpha())
    rest = any(character.isupper() for character in word)
    return not first.islower() or _is_particle(word) or (rest and word[1:2] in "'’-")


def _is_particle(word: str) -> bool:
    return word.casefold().strip(".") in _PARTICLES or bool(re.match(r"(?:al|el|d|l|el|ad|as|at|ar)[-'’]", word))


def roles_of(label: str | None) -> frozenset[str]:
    """The roles that a label names; empty where it is not a label."""
    if not label:
        return frozenset()
    shown = " ".join(label.casefold().split())
    if shown in _BY_LABEL:
        return frozenset({_BY_LABEL[shown]})
    if shown in ("di", "da"):
        return frozenset({AUTHOR})
    parts = [part.strip() for part in re.split(_AND, shown)]
    return frozenset(_BY_LABEL[part] for part in parts) if all(part in _BY_LABEL for part in parts) else frozenset()


def is_place(text: str) -> bool:
    """Whether it is a city or a country that datelines name."""
    from publisher.sources.forms.places import known

    return known(text)
