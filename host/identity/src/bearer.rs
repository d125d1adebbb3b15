//! The forms of the `Authorization` header (FlowG 1 and 4).

/// What a caller proves itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer<'a> {
    /// A personal access token, `pat_` included.
    Token(&'a str),
    /// A JWT without its prefix.
    Session(&'a str),
}

impl<'a> Bearer<'a> {
    /// `None` where there is no header or its form is unknown. `Bearer` is matched without regard to case, the rest exactly.
    pub(crate) fn parse(authorization: Option<&'a str>) -> Option<Self> {
        let (scheme, token) = authorization?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        if let Some(jwt) = token.strip_prefix("jwt_") {
            return Some(Self::Session(jwt));
        }
        // What a seed client makes of a new token: its own prefix in front of ours.
        if let Some(jwt) = token.strip_prefix("jwt:") {
            return Some(Self::Session(jwt.strip_prefix("jwt_").unwrap_or(jwt)));
        }
        let token = token.strip_prefix("pat:").unwrap_or(token);
        token.starts_with("pat_").then_some(Self::Token(token))
    }
}

#[cfg(test)]
mod tests {
    use super::Bearer::{self, Session, Token};

    #[test]
    fn forms() {
        for (header, expected) in [
            ("Bearer pat_abc", Some(Token("pat_abc"))),
            ("Bearer pat:pat_abc", Some(Token("pat_abc"))),
            ("Bearer jwt_a.b.c", Some(Session("a.b.c"))),
            ("Bearer jwt:a.b.c", Some(Session("a.b.c"))),
            ("Bearer jwt:jwt_a.b.c", Some(Session("a.b.c"))),
            ("bearer jwt_a.b.c", Some(Session("a.b.c"))),
            ("BEARER pat_abc", Some(Token("pat_abc"))),
            ("Bearer PAT_abc", None),
            ("Bearer pat:abc", None),
            ("Bearer a.b.c", None),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic cm9vdDpyb290", None),
            ("pat_abc", None),
            ("", None),
        ] {
            assert_eq!(Bearer::parse(Some(header)), expected, "{header}");
        }
        assert_eq!(Bearer::parse(None), None);
    }
}
