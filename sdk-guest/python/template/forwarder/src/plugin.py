import dataclasses
import urllib.parse

import headworks
from headworks import Batch, Undelivered, http, setting


@dataclasses.dataclass
class Config:
    url: str = setting(description="Where each record is posted to, as JSON", pattern="^https?://")


class Post(
    headworks.Forwarder,
    name="{{name}}",
    version="0.1.0",
    summary="Posts each record as JSON",
    grants=["http://*:*", "https://*:*"],
):
    config: Config

    @classmethod
    def targets(cls, config: Config) -> list[str]:
        url = urllib.parse.urlsplit(config.url)
        return [f"{url.scheme}://{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"]

    def send(self, batch: Batch) -> None:
        for index, event in enumerate(batch):
            answer = http.post(self.config.url, json=dict(event))
            if answer.status in (400, 413, 422):
                event.reject(f"the target answers {answer.status}")
            elif not answer.ok:
                raise Undelivered(f"the target answers {answer.status}", at=index, retry_after=5)
