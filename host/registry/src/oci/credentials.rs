//! Who we are for a registry.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;

/// Logins by registry. Their debug form shows no secrets.
#[derive(Clone, Default)]
pub struct Credentials {
    logins: BTreeMap<String, RegistryAuth>,
}

/// A file of logins that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// It is something else.
    #[error("it is not the config.json of docker: {0}; `docker login` writes one")]
    Format(String),
    /// A login in it cannot be read.
    #[error("its login for {0} is not the base64 of user:password; log in again")]
    Login(String),
}

impl Credentials {
    /// Reads the text of a `config.json` as `docker login` writes it. Logins that a helper program keeps are not in
    /// it: for those registries, add a login.
    ///
    /// ```
    /// use registry::oci::Credentials;
    ///
    /// let text = r#"{"auths": {"registry.example": {"auth": "bWU6c2VjcmV0"}}}"#;
    /// let credentials = Credentials::from_docker_config(text).unwrap();
    /// assert_eq!(format!("{credentials:?}"), r#"Credentials {"registry.example"}"#);
    /// ```
    pub fn from_docker_config(text: &str) -> Result<Self, CredentialsError> {
        let config: Config = serde_json::from_str(text)
            .map_err(|error| CredentialsError::Format(error.to_string()))?;
        let mut credentials = Self::default();
        for (registry, entry) in config.auths {
            let login = entry.login().map_err(|()| CredentialsError::Login(registry.clone()))?;
            credentials.logins.insert(host(&registry).to_owned(), login);
        }
        Ok(credentials)
    }

    /// The same, with a login by name and password for one registry, such as `registry.example:5000`.
    #[must_use]
    pub fn with_login(mut self, registry: &str, user: &str, password: &str) -> Self {
        let login = RegistryAuth::Basic(user.to_owned(), password.to_owned());
        self.logins.insert(host(registry).to_owned(), login);
        self
    }

    pub(super) fn of(&self, registry: &str) -> RegistryAuth {
        self.logins.get(host(registry)).cloned().unwrap_or(RegistryAuth::Anonymous)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials ")?;
        f.debug_set().entries(self.logins.keys()).finish()
    }
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    registrytoken: String,
}

impl Entry {
    /// `Anonymous` when it holds no login, an error when it holds one that cannot be read.
    fn login(&self) -> Result<RegistryAuth, ()> {
        if !self.registrytoken.is_empty() {
            return Ok(RegistryAuth::Bearer(self.registrytoken.clone()));
        }
        if !self.username.is_empty() {
            return Ok(RegistryAuth::Basic(self.username.clone(), self.password.clone()));
        }
        if self.auth.is_empty() {
            return Ok(RegistryAuth::Anonymous);
        }
        let bytes = STANDARD.decode(&self.auth).map_err(drop)?;
        let text = String::from_utf8(bytes).map_err(drop)?;
        let (user, password) = text.trim_end_matches('\0').split_once(':').ok_or(())?;
        Ok(RegistryAuth::Basic(user.to_owned(), password.to_owned()))
    }
}

/// The host of a registry, which the file may give as an address: `https://index.docker.io/v1/`.
fn host(registry: &str) -> &str {
    let rest = registry.split_once("://").map_or(registry, |(_, rest)| rest);
    match rest.split_once('/').map_or(rest, |(host, _)| host) {
        "docker.io" => "index.docker.io",
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_of_a_docker_config_are_found_by_host() {
        let text = r#"{
            "auths": {
                "https://index.docker.io/v1/": {"auth": "bWU6c2VjOnJldA=="},
                "registry.example:5000": {"username": "u", "password": "p"},
                "token.example": {"registrytoken": "t"},
                "helper.example": {}
            },
            "credsStore": "desktop"
        }"#;
        let credentials = Credentials::from_docker_config(text).expect("a config");
        let basic = |user: &str, password: &str| RegistryAuth::Basic(user.into(), password.into());
        assert_eq!(credentials.of("docker.io"), basic("me", "sec:ret"));
        assert_eq!(credentials.of("registry.example:5000"), basic("u", "p"));
        assert_eq!(credentials.of("token.example"), RegistryAuth::Bearer("t".into()));
        assert_eq!(credentials.of("helper.example"), RegistryAuth::Anonymous);
        let credentials = credentials.with_login("helper.example", "me", "mine");
        assert_eq!(credentials.of("helper.example"), basic("me", "mine"));
        let shown = format!("{credentials:?}");
        assert!(!shown.contains("ret") && !shown.contains("mine"), "{shown}");
    }

    #[test]
    fn a_bad_config_is_told() {
        let error = Credentials::from_docker_config("user:password").expect_err("no JSON");
        assert!(matches!(error, CredentialsError::Format(_)), "{error}");
        for auth in ["!", "bWU="] {
            let text = format!(r#"{{"auths": {{"r.example": {{"auth": "{auth}"}}}}}}"#);
            let error = Credentials::from_docker_config(&text).expect_err(auth);
            assert_eq!(error, CredentialsError::Login("r.example".to_owned()));
        }
    }
}
