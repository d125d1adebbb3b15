//! The name in a certificate, as users of the registry know it (NiFi Registry 19.2).

use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, BmpString};
use x509_cert::der::{Decode, Encode, Tag, Tagged};

/// Keywords of attributes; others are printed by their number.
const KEYWORDS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SURNAME"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "T"),
    ("2.5.4.42", "GIVENNAME"),
    ("2.5.4.43", "INITIALS"),
    ("2.5.4.44", "GENERATION"),
    ("2.5.4.46", "DNQ"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "EMAILADDRESS"),
];

/// The subject of a certificate (DER), the most particular part first: `CN=user, OU=nifi`. Nothing for what is no certificate
/// or has no subject.
pub fn subject(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let parts = certificate.tbs_certificate.subject.0.iter().rev();
    let parts: Vec<String> =
        parts.map(|part| part.0.iter().map(attribute).collect::<Vec<_>>().join(" + ")).filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn attribute(attribute: &AttributeTypeAndValue) -> String {
    let number = attribute.oid.to_string();
    let keyword = KEYWORDS.iter().find(|(known, _)| *known == number).map(|(_, keyword)| *keyword);
    let value = text(&attribute.value).map_or_else(|| hexadecimal(&attribute.value), |text| escaped(&text));
    match keyword {
        Some(keyword) => format!("{keyword}={value}"),
        None => format!("OID.{number}={value}"),
    }
}

fn text(value: &Any) -> Option<String> {
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::VisibleString => {
            String::from_utf8(value.value().to_vec()).ok()
        }
        Tag::TeletexString => Some(value.value().iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString => Some(value.decode_as::<BmpString>().ok()?.to_string()),
        _ => None,
    }
}

fn hexadecimal(value: &Any) -> String {
    let bytes = value.to_der().unwrap_or_default();
    format!("#{}", crate::secret::hex(&bytes))
}

/// What would not be read as part of the value has a backslash before it (RFC 2253).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (place, letter) in text.chars().enumerate() {
        let edge = (letter == ' ' && (place == 0 || place == last)) || (letter == '#' && place == 0);
        if edge || matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        assert_eq!(escaped("Doe, John"), "Doe\\, John");
        assert_eq!(escaped(" #a "), "\\ #a\\ ");
        assert_eq!(escaped("#a"), "\\#a");
        assert_eq!(escaped("Zoë <z>"), "Zoë \\<z\\>");
    }

    #[test]
    fn nonsense_has_no_subject() {
        assert_eq!(subject(b""), None);
        assert_eq!(subject(b"nonsense"), None);
    }
}
