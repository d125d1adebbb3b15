//! As much of DER as Kerberos messages need (RFC 4120 appendix A). Strangers send these bytes before anybody knows who they are:
//! nothing here fails otherwise than with `None`, recurses, or makes anything larger than its input.

/// `SEQUENCE`.
const SEQUENCE: u8 = 0x30;
/// `INTEGER`, `BIT STRING`, `OCTET STRING`, `OBJECT IDENTIFIER`, `ENUMERATED`, `GeneralizedTime`, `GeneralString`.
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const ENUMERATED: u8 = 0x0a;
const TIME: u8 = 0x18;
const STRING: u8 = 0x1b;
/// `[n]` and `[APPLICATION n]`, constructed.
const CONTEXT: u8 = 0xa0;
const APPLICATION: u8 = 0x60;

/// Elements one after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Reader<'a> {
    type Item = (u8, &'a [u8]);

    /// Tag and content of the next element.
    fn next(&mut self) -> Option<Self::Item> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        let (length, rest) = match length {
            0..=0x7f => (usize::from(*length), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
                (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

impl<'a> Reader<'a> {
    fn of_kind(mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// The content of `[APPLICATION n]`.
    pub(super) fn application(self, number: u8) -> Option<&'a [u8]> {
        self.of_kind(APPLICATION | number)
    }

    /// The fields of a `SEQUENCE`.
    pub(super) fn fields(self) -> Option<Fields<'a>> {
        self.of_kind(SEQUENCE).map(Fields)
    }

    /// The elements of a `SEQUENCE OF`.
    pub(super) fn elements(self) -> Option<Self> {
        self.of_kind(SEQUENCE).map(Self)
    }

    /// An `OBJECT IDENTIFIER`, which is taken.
    pub(super) fn object(&mut self) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == OBJECT).map(|(_, content)| content)
    }
}

/// The fields of a `SEQUENCE`, each with a number of its own.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields of an element that is a `SEQUENCE`.
    pub(super) fn of((tag, content): (u8, &'a [u8])) -> Option<Self> {
        (tag == SEQUENCE).then_some(Self(content))
    }

    /// What stands in the field of this number.
    pub(super) fn get(self, number: u8) -> Option<Reader<'a>> {
        Reader(self.0).find(|(tag, _)| *tag == CONTEXT | number).map(|(_, content)| Reader(content))
    }

    pub(super) fn fields(self, number: u8) -> Option<Self> {
        self.get(number)?.fields()
    }

    /// The elements of a `SEQUENCE OF` in this field.
    pub(super) fn list(self, number: u8) -> Option<Reader<'a>> {
        self.get(number)?.elements()
    }

    pub(super) fn octets(self, number: u8) -> Option<&'a [u8]> {
        self.get(number)?.of_kind(OCTETS)
    }

    /// A number of up to four bytes that is not negative.
    pub(super) fn integer(self, number: u8) -> Option<u32> {
        let digits = self.get(number)?.of_kind(INTEGER)?;
        let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
        (digits.len() <= 4).then(|| digits.iter().fold(0, |sum, digit| sum << 8 | u32::from(*digit)))
    }

    /// The first 32 flags, the first in the highest bit.
    pub(super) fn flags(self, number: u8) -> Option<u32> {
        let [_, flags @ ..] = self.get(number)?.of_kind(BIT_STRING)? else { return None };
        Some(u32::from_be_bytes(*flags.first_chunk()?))
    }

    pub(super) fn text(self, number: u8) -> Option<&'a str> {
        text(self.get(number)?.next()?)
    }

    /// Seconds since 1970.
    pub(super) fn time(self, number: u8) -> Option<i64> {
        let text = std::str::from_utf8(self.get(number)?.of_kind(TIME)?).ok().filter(|text| text.is_ascii())?;
        let part = |from: usize, to: usize| text.get(from..to);
        let (date, time) = ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(8, 10)?, part(10, 12)?, part(12, 15)?));
        let text = format!("{}-{}-{}T{}:{}:{}", date.0, date.1, date.2, time.0, time.1, time.2);
        headworks_core::Timestamp::parse_rfc3339(&text).map(headworks_core::Timestamp::seconds)
    }
}

/// A `GeneralString` that is a name.
pub(super) fn text((tag, content): (u8, &[u8])) -> Option<&str> {
    let text = std::str::from_utf8(content).ok().filter(|_| tag == STRING)?;
    (!text.chars().any(char::is_control)).then_some(text)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    match content.len() {
        short @ 0..=0x7f => element.push(short as u8),
        long => {
            let digits = (long as u32).to_be_bytes();
            let digits = digits.iter().position(|digit| *digit != 0).and_then(|first| digits.get(first..)).unwrap_or_default();
            element.push(0x80 | digits.len() as u8);
            element.extend_from_slice(digits);
        }
    }
    element.extend_from_slice(content);
    element
}

/// `[APPLICATION n]` around something.
pub(super) fn application(number: u8, content: &[u8]) -> Vec<u8> {
    element(APPLICATION | number, content)
}

/// `[n]` around a `SEQUENCE` of these fields.
pub(super) fn choice(number: u8, fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    element(CONTEXT | number, &sequence(fields))
}

/// A `SEQUENCE` of these fields.
pub(super) fn sequence(fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let fields: Vec<Vec<u8>> = fields.iter().map(|(number, content)| element(CONTEXT | number, content)).collect();
    element(SEQUENCE, &fields.concat())
}

/// A `SEQUENCE OF` these.
pub(super) fn list(elements: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

/// A `GeneralString`.
pub(super) fn string(text: &str) -> Vec<u8> {
    element(STRING, text.as_bytes())
}

/// An `INTEGER`.
pub(super) fn number(number: u32) -> Vec<u8> {
    // A leading zero keeps it from being negative.
    let digits = u64::from(number).to_be_bytes();
    let first = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len() - 1);
    let sign = digits.get(first).is_some_and(|digit| digit & 0x80 != 0);
    element(INTEGER, digits.get(first - usize::from(sign)..).unwrap_or_default())
}

/// A `BIT STRING` of 32 flags.
pub(super) fn flags(flags: u32) -> Vec<u8> {
    element(BIT_STRING, &[&[0], flags.to_be_bytes().as_slice()].concat())
}

/// A `GeneralizedTime`.
pub(super) fn time(time: headworks_core::Timestamp) -> Vec<u8> {
    let text: String = time.rfc3339().chars().take(19).filter(char::is_ascii_digit).collect();
    element(TIME, format!("{text}Z").as_bytes())
}

pub(super) fn object(content: &[u8]) -> Vec<u8> {
    element(OBJECT, content)
}

pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    element(OCTETS, content)
}

/// A small `INTEGER`.
pub(super) fn small(number: u8) -> Vec<u8> {
    element(INTEGER, &[number & 0x7f])
}

/// A small `ENUMERATED`.
pub(super) fn chosen(number: u8) -> Vec<u8> {
    element(ENUMERATED, &[number & 0x7f])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let long = vec![7; 300];
        let bytes = application(14, &sequence(&[(0, small(5)), (1, octets(&long)), (2, element(STRING, b"name"))]));
        let fields = Reader(Reader(&bytes).application(14).unwrap()).fields().unwrap();
        assert_eq!((fields.integer(0), fields.octets(1), fields.text(2)), (Some(5), Some(long.as_slice()), Some("name")));
        assert!(fields.get(3).is_none() && fields.integer(1).is_none());
    }

    #[test]
    fn numbers_and_times_are_written_as_they_are_read() {
        let read = |content: Vec<u8>| element(CONTEXT, &content);
        for one in [0, 1, 127, 128, 255, 256, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            assert_eq!(Fields(&read(number(one))).integer(0), Some(one));
        }
        assert_eq!((number(0), number(128)), (vec![INTEGER, 1, 0], vec![INTEGER, 2, 0, 128]));
        let now = headworks_core::Timestamp::from_millis(1_767_322_985_500);
        assert_eq!(Fields(&read(time(now))).time(0), Some(now.seconds()));
        assert_eq!(Fields(&read(flags(5))).flags(0), Some(5));
        let two = list(&[string("a"), string("b")]);
        assert_eq!(Reader(&two).elements().unwrap().map(|one| text(one).unwrap()).collect::<String>(), "ab");
    }

    #[test]
    fn values_have_their_forms() {
        let field = |content: &[u8]| element(CONTEXT, content);
        let time = |text: &[u8]| Fields(&field(&element(TIME, text))).time(0);
        assert_eq!(time(b"19700101000110Z"), Some(70));
        for wrong in [b"19700101000110".as_slice(), b"1970010100011Z", b"", b"19701301000110Z", "1970010100011\u{e9}".as_bytes()]
        {
            assert_eq!(time(wrong), None, "{wrong:?}");
        }
        let number = |digits: &[u8]| Fields(&field(&element(INTEGER, digits))).integer(0);
        assert_eq!((number(&[0, 0xff, 1, 2, 3]), number(&[1, 2, 3, 4, 5])), (Some(0xff01_0203), None));
        let flags = |bits: &[u8]| Fields(&field(&element(BIT_STRING, bits))).flags(0);
        assert_eq!((flags(&[0, 0x80, 0, 0, 1]), flags(&[0, 1]), flags(&[])), (Some(0x8000_0001), None, None));
        assert_eq!((text((STRING, b"a\nb")), text((OCTETS, b"ab"))), (None, None));
        assert!(Reader(&[SEQUENCE, 0x85, 0, 0, 0, 0, 1, 0]).next().is_none());
        assert!(Reader(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]).next().is_none());
    }

    proptest! {
        #[test]
        fn bytes_of_strangers_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (tag, content) in Reader(&bytes) {
                let _ = text((tag, content));
                let fields = Fields(content);
                let _ = (fields.integer(0), fields.flags(1), fields.time(2), fields.text(3), fields.list(4).map(Iterator::count));
            }
        }
    }
}
