//! Access tokens: of a service account whose key is configured, or of the account of the machine.
//!
//! What must stay true: a token is used until a minute before it ends and never longer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use headworks_forwarder_kit::endpoint::Endpoint;
use headworks_forwarder_kit::http::{Request, Response};
use headworks_forwarder_kit::{Failure, Network, json};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer};
use serde::Deserialize;
use sha2::Sha256;

/// Where a machine at Google asks for the token of its account.
pub const METADATA: &str = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
const SCOPE: &str = "https://www.googleapis.com/auth/logging.write";
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
/// How long an assertion is good, in seconds.
const ASSERTED: i64 = 3_600;
/// So long before its end a token is replaced, in seconds.
const MARGIN: i64 = 60;

/// The key file of a service account.
#[derive(Clone, Debug, Deserialize)]
pub struct KeyFile {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    /// Where tokens are made.
    #[serde(default = "usual_token_uri")]
    pub token_uri: String,
}

fn usual_token_uri() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

/// Whom the tokens are for.
pub enum Account {
    /// Nobody: no credentials are sent.
    Nobody,
    /// The account of this machine.
    Machine,
    /// A service account.
    Service(Box<Service>),
}

/// A service account with its key.
pub struct Service {
    file: KeyFile,
    key: SigningKey<Sha256>,
}

impl Service {
    /// Reads the key of a key file.
    ///
    /// # Errors
    /// It is none.
    pub fn new(file: KeyFile) -> Result<Self, String> {
        let key = RsaPrivateKey::from_pkcs8_pem(&file.private_key);
        let key = key.map_err(|error| format!("auth_json: private_key is no RSA key in PKCS #8 PEM: {error}"))?;
        Ok(Self { file, key: SigningKey::new(key) })
    }

    /// A signed assertion that is good from `now` on, in seconds since 1970.
    fn assertion(&self, now: i64) -> String {
        let header = json::object([("alg", "RS256"), ("kid", &*self.file.private_key_id), ("typ", "JWT")]);
        let claims = format!(
            r#"{{"aud":{},"exp":{},"iat":{now},"iss":{},"scope":{}}}"#,
            json::text(&self.file.token_uri),
            now.saturating_add(ASSERTED),
            json::text(&self.file.client_email),
            json::text(SCOPE)
        );
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.sign(signed.as_bytes()).to_vec();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Gets tokens and keeps them.
pub struct Credentials {
    account: Account,
    kept: Option<(String, i64)>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: i64,
}

impl Credentials {
    /// The tokens of an account.
    pub fn new(account: Account) -> Self {
        Self { account, kept: None }
    }

    /// A token that is good now; none for nobody.
    ///
    /// # Errors
    /// None was given out.
    pub fn token(&mut self, network: &dyn Network) -> Result<Option<String>, Failure> {
        let now = network.now().seconds;
        if let Some((token, end)) = &self.kept
            && now < end.saturating_sub(MARGIN)
        {
            return Ok(Some(token.clone()));
        }
        let request = match &self.account {
            Account::Nobody => return Ok(None),
            Account::Machine => {
                let endpoint = Endpoint::http("metadata", METADATA).map_err(Failure::never)?;
                Request::new("GET", &endpoint).header("Metadata-Flavor", "Google")
            }
            Account::Service(service) => {
                let endpoint = Endpoint::http("auth_json.token_uri", &service.file.token_uri).map_err(Failure::never)?;
                let body = format!("grant_type={GRANT}&assertion={}", service.assertion(now));
                Request::new("POST", &endpoint).header("Content-Type", "application/x-www-form-urlencoded").body(body)
            }
        };
        let token = read(&request.send(network)?)?;
        self.kept = Some((token.access_token.clone(), now.saturating_add(token.expires_in)));
        Ok(Some(token.access_token))
    }

    /// Forgets a token that was refused.
    pub fn forget(&mut self) {
        self.kept = None;
    }
}

fn read(answer: &Response) -> Result<Token, Failure> {
    if !answer.is_success() {
        let reason = format!("no access token: unexpected status code: {}, body: {}", answer.status, answer.quoted());
        // A key that is refused is refused for every record.
        return Err(if answer.status == 400 { Failure::never(reason) } else { answer.failure(reason) });
    }
    serde_json::from_slice(&answer.body).map_err(|error| Failure::later(format!("no access token: {error}")))
}
