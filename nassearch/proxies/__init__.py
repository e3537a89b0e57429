"""Proxies: one file per family. What writing one takes is here."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe
    from nassearch.proxies.base import Proxy, proxy
    from nassearch.proxies.model import ModelProxy, model_proxy

__all__ = ["ModelProxy", "Probe", "Proxy", "model_proxy", "proxy"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.networks.probe.probe": ["Probe"],
            "nassearch.proxies.base": ["Proxy", "proxy"],
            "nassearch.proxies.model": ["ModelProxy", "model_proxy"],
        },
    )
