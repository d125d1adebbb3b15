import dataclasses

import headworks
from headworks import Batch, setting


@dataclasses.dataclass
class Config:
    field: str = setting(description="The field to upper-case")


class Upper(headworks.Transformer, name="{{name}}", version="0.1.0", summary="Upper-cases a field"):
    config: Config

    def transform(self, batch: Batch) -> None:
        field = self.config.field
        batch[field] = [text and text.upper() for text in batch[field]]
