import dataclasses
from collections.abc import Iterable

import headworks
from headworks import Subject, Violation, setting


@dataclasses.dataclass
class Config:
    longest: int = setting(40, "The most characters of a name", minimum=1)


class Names(headworks.Validator, name="{{name}}", version="0.1.0", summary="Limits the length of names"):
    config: Config

    def validate(self, subject: Subject) -> Iterable[Violation]:
        length = len(subject.name)
        if length > self.config.longest:
            yield headworks.error("", f"the name has {length} characters, and at most {self.config.longest} are allowed")
