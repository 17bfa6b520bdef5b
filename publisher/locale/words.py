"""What newsrooms write in dates beside the names of CLDR, by language. In a name ``_`` stands for a space."""

from __future__ import annotations

MONTHS: dict[str, dict[int, str]] = {
    "id": {2: "pebruari peb", 3: "mrt", 5: "mei", 8: "agt ags agust agst", 9: "sept", 10: "oct", 11: "nopember nop",
           12: "dec"},
    "ms": {2: "februari", 3: "mac", 8: "ogos ogo", 12: "dis"},
    "en": {6: "jun june", 7: "jul july", 9: "sep sept"},
    "de": {1: "jänner jän jan", 2: "feber", 3: "mrz mär", 6: "jun", 7: "jul", 9: "sep sept", 12: "dez"},
    "fr": {1: "jan janv", 2: "fev fév fevr", 4: "avr", 7: "juil", 8: "aout", 9: "sept sep", 12: "dec déc"},
    "es": {1: "ene", 9: "set sep sept setiembre", 12: "dic"},
    "it": {6: "giu", 7: "lug", 9: "set sett"},
    "pt": {3: "marco", 5: "maio", 9: "set"},
    "nl": {3: "mrt maa maart", 5: "mei", 9: "sept"},
    "pl": {5: "maj"},
    "ru": {1: "янв", 2: "фев", 3: "мар", 4: "апр", 5: "май мая", 6: "июн", 7: "июл", 8: "авг", 9: "сен сент", 10: "окт",
           11: "ноя нояб", 12: "дек"},
    "uk": {1: "січ", 2: "лют", 3: "бер", 4: "квіт", 5: "трав", 6: "черв", 7: "лип", 8: "серп", 9: "вер", 10: "жовт",
           11: "лист", 12: "груд"},
    "sv": {1: "jan", 3: "mars", 9: "sept"},
    "fi": {1: "tammi", 2: "helmi"},
    "el": {5: "μαϊου", 6: "ιουν", 7: "ιουλ"},
    "hi": {1: "जनवरी", 2: "फरवरी फ़रवरी",
           9: "सितंबर सितम्बर", 10: "अक्टूबर अक्तूबर",
           11: "नवंबर नवम्बर", 12: "दिसंबर दिसम्बर"},
    "ar": {
        1: "يناير كانون_الثاني جانفي", 2: "فبراير شباط فيفري", 3: "مارس آذار", 4: "أبريل نيسان أفريل",
        5: "مايو أيار ماي", 6: "يونيو حزيران جوان", 7: "يوليو تموز جويلية يوليوز", 8: "أغسطس آب أوت غشت",
        9: "سبتمبر أيلول شتنبر", 10: "أكتوبر تشرين_الأول", 11: "نوفمبر تشرين_الثاني نونبر",
        12: "ديسمبر كانون_الأول دجنبر",
    },
}  # fmt: skip

DAYS: dict[str, dict[int, str]] = {
    "id": {4: "jum'at jumaat", 6: "ahad"},
    "ms": {4: "jumaat", 6: "ahad"},
    "en": {1: "tues", 2: "weds", 3: "thur thurs"},
    "de": {5: "sonnabend"},
    "fi": {0: "maanantai", 1: "tiistai", 2: "keskiviikko", 3: "torstai", 4: "perjantai", 5: "lauantai", 6: "sunnuntai"},
    "pt": {0: "segunda", 1: "terça", 2: "quarta", 3: "quinta", 4: "sexta"},
    "th": {0: "จันทร์", 1: "อังคาร", 2: "พุธ", 3: "พฤหัสบดี พฤหัส", 4: "ศุกร์", 5: "เสาร์", 6: "อาทิตย์"},
    "ar": {0: "اثنين الإثنين", 1: "ثلاثاء", 2: "أربعاء", 3: "خميس", 4: "جمعة", 5: "سبت", 6: "أحد"},
    "vi": {6: "chủ_nhật cn"},
    "he": {0: "שני", 1: "שלישי", 2: "רביעי", 3: "חמישי", 4: "שישי", 5: "שבת", 6: "ראשון"},
    "zh": {0: "礼拜一 禮拜一", 6: "星期天 周天 週日"},
}

JOINING: dict[str, str] = {
    "id": "tanggal tgl hari pada terbit diterbitkan dipublikasikan tayang",
    "ms": "pada hari diterbitkan",
    "en": "at on the of published posted",
    "de": "um am den vom veröffentlicht erschienen",
    "fr": "à a le du l' d' publié",
    "es": "de del a las la el publicado",
    "ca": "de del a les la el d' publicat",
    "gl": "de do ás o",
    "it": "di del alle il l' pubblicato",
    "pt": "de do às as a o em publicado",
    "nl": "om op de gepubliceerd",
    "pl": "o r. roku dnia w opublikowano",
    "cs": "v ve dne r. roku",
    "sk": "v o dňa r. roku",
    "ru": "в г. года год от опубликовано",
    "uk": "о в р. року",
    "bg": "в г. година от",
    "mk": "во г.",
    "kk": "ж.",
    "sr": "u godine",
    "hr": "u g. godine",
    "sl": "ob",
    "hu": "",
    "ro": "la ora de_la",
    "tr": "saat günü",
    "el": "στις στη την",
    "sv": "den publicerad",
    "da": "den d. udgivet",
    "no": "den publisert",
    "nb": "den publisert",
    "fi": "julkaistu",
    "lt": "m. d.",
    "lv": "gada plkst.",
    "vi": "ngày năm lúc đăng",
    "th": "วัน วันที่ ที่ พ.ศ. ค.ศ. เวลา",
    "hi": "को पर",
    "ar": "يوم في الموافق",
    "he": "ב בשעה יום ה",
    "fa": "ساعت",
    "ja": "公開 配信",
    "zh": "发布 發布",
    "ko": "입력 등록",
}
"""Words that may stand in a date and say nothing."""

AT: dict[str, str] = {
    "id": "pukul pkl jam",
    "ms": "pukul jam",
    "de": "um",
    "fr": "à",
    "es": "a_las",
    "pt": "às",
    "it": "ore alle_ore alle",
    "pl": "godz. godzina o_godz.",
    "sv": "kl. klockan",
    "da": "kl. klokken",
    "no": "kl. klokken",
    "nb": "kl. klokken",
    "fi": "klo",
    "et": "kell",
    "ro": "ora",
    "tr": "saat",
    "ar": "الساعة",
    "vi": "lúc",
}
"""Words before a time of day."""

HOUR: dict[str, str] = {
    "de": "uhr",
    "es": "horas hora hs. hrs.",
    "pt": "horas hora",
    "fr": "heures heure",
    "nl": "uur u",
    "cs": "hod. hodin h.",
    "sk": "hod. h.",
    "ru": "ч. час. часов",
    "uk": "год.",
    "bg": "ч. часа",
    "hr": "sati h",
    "sr": "h časova",
    "vi": "giờ g",
    "th": "น.",
    "hi": "बजे",
    "hu": "óra ó",
}
"""Words behind an hour, or a time."""

MINUTE: dict[str, str] = {
    "de": "min",
    "es": "min m",
    "pt": "min m",
    "fr": "min mn",
    "vi": "phút p",
    "ru": "мин.",
    "hu": "perc",
    "hi": "मिनट",
}

AM: dict[str, str] = {"ms": "pg. pagi", "vi": "sáng", "sv": "fm", "el": "πμ", "sq": "pd", "zh": "凌晨 清晨 早上 早晨"}
PM: dict[str, str] = {"ms": "ptg.", "vi": "chiều", "sv": "em", "el": "μμ", "sq": "md", "zh": "傍晚"}
"""Halves of the day beside CLDR's own, am and pm."""

ZONES: dict[str, dict[str, str]] = {
    "en": {
        "ET": "eastern_time", "CT": "central_time", "MT": "mountain_time", "PT": "pacific_time",
        "UTC": "coordinated_universal_time greenwich_mean_time", "WIB": "western_indonesia_time",
        "EST": "eastern_standard_time", "EDT": "eastern_daylight_time", "CST": "central_standard_time",
        "CDT": "central_daylight_time", "PST": "pacific_standard_time", "PDT": "pacific_daylight_time",
        "MST": "mountain_standard_time", "MDT": "mountain_daylight_time", "CET": "central_european_standard_time "
        "central_european_time", "CEST": "central_european_summer_time",
    },
    "id": {"WIB": "waktu_indonesia_barat", "WITA": "waktu_indonesia_tengah", "WIT": "waktu_indonesia_timur"},
    "fr": {"Europe/Paris": "heure_de_paris", "UTC": "tu"},
    "pt": {"America/Sao_Paulo": "horário_de_brasília hora_de_brasília brt"},
    "ru": {"Europe/Moscow": "мск по_москве по_московскому_времени"},
    "tr": {"Europe/Istanbul": "tsi tsİ"},
    "zh": {"Asia/Shanghai": "北京时间 北京時間", "Asia/Taipei": "台北时间 台北時間",
           "Asia/Hong_Kong": "香港時間 香港时间"},
    "ja": {"Asia/Tokyo": "日本時間"},
    "ko": {"Asia/Seoul": "한국시간 한국시각"},
    "ar": {"UTC": "بتوقيت_غرينتش غرينتش بتوقيت_جرينتش جرينتش"},
}  # fmt: skip
"""What a language calls a zone, under the abbreviation or the IANA name that it stands for."""
