"""Query parameters that only tell where a reader came from: the one list of them."""

from __future__ import annotations

import re

SURELY_TRACKING = re.compile(
    r"utm_\w+|\w*clid|mc_[ce]id|igshid|_ga|_gl|ref_src|ref_url|cmpid|xtor|spm|s_cid|ncid", re.IGNORECASE
)
"""Names that mean nothing else anywhere: addresses that differ by these alone are one address, and one article."""

TRACKING = re.compile(
    rf"{SURELY_TRACKING.pattern}|(?:utm_|at_|mc_|pk_|mtm_|hsa_|_hs|vero_|oly_|ns_)\w*|gbraid|wbraid|igsh|mkt_tok"
    r"|cmp|smid|trk|share_?id",
    re.IGNORECASE,
)
"""Those, and names that hardly ever mean anything else: passed over where taking one for tracking costs little."""
