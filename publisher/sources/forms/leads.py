"""Phrases that newsrooms put between the paragraphs of an article, and that are no part of it. Data."""

from __future__ import annotations

from publisher.sources.forms.bylinewords import words

READ_ALSO = (
    "baca juga", "lihat juga", "simak juga", "read also", "also read", "see also", "read more", "lire aussi",
    "lesen sie auch", "lea también", "leia também", "leggi anche",
)  # fmt: skip
"""A paragraph that begins so leads to another article."""

LEADS = (
    *READ_ALSO,
    # id, ms
    "baca selengkapnya", "baca berita lainnya",
    "tonton juga", "saksikan juga",
    "artikel terkait", "berita terkait", "cek berita dan artikel", "ikuti berita", "dapatkan berita", "ikuti kami",
    "bagikan artikel", "selanjutnya:", "menarik dibaca", "tag:", "tags:", "topik:", "copyright", "hak cipta",
    "gabung grup", "baca:", "simak:", "pilihan editor", "scroll to continue", "scroll untuk", "advertisement",
    "baca pula", "lihat pula", "simak video", "[gambas", "halaman selanjutnya", "simak berita",
    "dapatkan update", "dilarang keras", "pewarta:", "halaman:",
    # en
    "related:", "related article", "related stor", "more on this",
    "more from", "most read", "sign up for", "subscribe to",
    "subscribe now", "follow us on", "share this", "click here to",
    "recommended stories", "story continues below", "article continues below", "continue reading", "download our app",
    "get the latest", "join our", "all rights reserved", "©", "(c) 20", "watch:", "listen:", "read:", "don't miss",
    "sponsored content", "our standards:", "scroll down for", "you may also like", "recommended for you", "up next",
    "this article originally appeared", "support our journalism", "leave a comment", "filed under",
    "this entry was posted",
    # de
    "lesen sie mehr", "lesen sie hier", "mehr zum thema", "mehr lesen", "auch interessant",
    "das könnte sie auch interessieren", "zum thema", "newsletter", "jetzt abonnieren", "abonnieren sie", "anzeige",
    "weiterlesen", "lesen sie dazu", "artikel teilen", "folgen sie uns",
    # fr
    "à lire aussi", "a lire aussi", "lire également", "à lire également", "sur le même sujet",
    "voir aussi", "abonnez-vous", "inscrivez-vous", "partager", "publicité", "suivez-nous", "la suite après",
    "à lire :", "lire la suite", "tous droits réservés", "article réservé",
    # es
    "lee también", "leer también", "te puede interesar", "le puede interesar", "también te puede",
    "más información:", "noticias relacionadas", "suscríbete", "suscríbase", "publicidad", "síguenos", "ver también",
    "compartir", "seguir leyendo", "todos los derechos", "mira también", "además:",
    # it
    "leggi tutto", "approfondisci", "potrebbe interessarti", "iscriviti", "pubblicità", "seguici su",
    "condividi", "riproduzione riservata", "vedi anche", "continua a leggere",
    # pt
    "leia mais", "veja também", "saiba mais", "assine", "publicidade", "siga-nos", "compartilhe",
    "continua depois da publicidade", "todos os direitos", "confira também", "ler também",
    # nl
    "lees ook", "lees meer", "lees verder", "bekijk ook", "meer over", "schrijf je in", "advertentie", "volg ons",
    "deel dit", "lees hier",
    # sv, no, da, pl, tr, vi
    "läs också", "läs även", "läs mer", "les også", "læs også", "czytaj też", "czytaj także", "czytaj również",
    "zobacz też", "zobacz także", "polecamy", "reklama",
    "reklam", "ayrıca oku", "i̇lgili haber", "xem thêm", "đọc thêm",
    # ru, uk
    "читайте также", "читайте:", "читать также", "читать далее", "смотрите также", "подписывайтесь", "подпишитесь",
    "реклама", "поделиться", "читайте також", "материалы по теме", "по теме",
    # ja, zh, ko
    "関連記事", "あわせて読みたい", "続きを読む", "おすすめ記事", "広告",
    "【関連", "相关阅读", "相关新闻", "延伸阅读", "延伸閱讀",
    "相關新聞", "推荐阅读", "推薦閱讀", "责任编辑", "責任編輯", "更多精彩",
    "版权所有", "關鍵字", "关键词", "분享하기", "관련기사", "무단전재", "저작권자",
    # ar, fa, hi
    "اقرأ أيضا", "اقرأ أيضاً", "إقرأ أيضا", "اقرأ المزيد", "شاهد أيضا", "مواضيع ذات صلة", "تابعنا", "بیشتر بخوانید",
    "यह भी पढ़ें", "ये भी पढ़ें",
)  # fmt: skip
"""A line that begins so may lead elsewhere, or be a note of the house."""

ALONE = words(
    "advertisement advertisements iklan anzeige werbung publicité publicidad pubblicità publicidade"
    " advertentie annons annonse reklama реклама 広告 广告 廣告 광고 إعلان פרסומת โฆษณา विज्ञापन share tweet pin email"
    " print save bagikan teilen"
    " partager compartir condividi compartilhar delen facebook twitter whatsapp telegram linkedin reddit copy"
    " comments kommentare commentaires komentar loading loading… newsletter next previous follow subscribe top listen"
) | {"quảng cáo", "más información", "archivado en"}
"""What stands in a line of its own and is not part of the text."""

CALLS = frozenset(
    (
        "sign up for", "subscribe to", "subscribe now", "follow us on", "click here to", "download our app", "join our",
        "get the latest", "all rights reserved", "©", "(c) 20", "copyright", "hak cipta", "story continues below",
        "article continues below", "scroll to continue", "scroll untuk", "you may also like", "recommended for you",
        "leave a comment", "this entry was posted", "support our journalism", "dapatkan update", "dilarang keras",
        "ikuti berita", "ikuti kami", "dapatkan berita", "gabung grup",
        "cek berita dan artikel", "bagikan artikel", "jetzt abonnieren", "abonnieren sie", "folgen sie uns",
        "abonnez-vous", "inscrivez-vous", "suivez-nous", "tous droits réservés", "suscríbete", "suscríbase", "síguenos",
        "todos los derechos", "seguici su", "riproduzione riservata", "siga-nos", "todos os direitos", "schrijf je in",
        "volg ons", "подписывайтесь", "подпишитесь", "版权所有", "무단전재", "저작권자", "تابعنا",
    )
)  # fmt: skip
"""Calls on the reader: they are whole sentences, and no part of an article all the same."""
