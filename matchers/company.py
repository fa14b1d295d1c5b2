"""Which company an address speaks for: by its corporate domain, never by one where anybody can have an address."""

from functools import lru_cache

from matchers.address import is_free_mail, registrable_domain


@lru_cache(maxsize=4096)
def corporate_domain(domain: str) -> str:
    """The registrable domain a company would own, '' for free mail, public suffixes, plain hosts and IP literals."""
    if not domain or is_free_mail(domain):
        return ""
    return registrable_domain(domain)
