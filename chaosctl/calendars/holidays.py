"""Why: public holidays are law, and change; a library keeps them. It is known only here.

It takes some 10 MiB and a fifth of a second, so it is imported only where a drill names holidays.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

import holidays as library

from chaosctl.errors import Invalid
from chaosctl.spec.problems import did_you_mean


@lru_cache(maxsize=64)
def public_holidays(code: str, year: int) -> Mapping[date, str]:
    """The public holidays of a country, or of a part of it: `DE`, `DE-BY`. Raises Invalid."""
    country, _, part = code.partition("-")
    known = library.list_supported_countries()
    if country not in known:
        raise Invalid(f'no holidays are known of "{country}"; name a country by two letters, like DE')
    if part and part not in known[country]:
        parts = [f"{country}-{one}" for one in known[country]]
        raise Invalid(f'{country} has no part "{part}"; {did_you_mean(code, parts) or "it has no parts"}')
    return dict(library.country_holidays(country, subdiv=part or None, years=year, language="en_US"))
