//! Apps: what a worker registers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::function::{Fault, Function, identity};

/// What is stored of an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) sdk: String,
    /// Of the last good payload.
    pub(crate) checksum: String,
    pub(crate) synced_at: Timestamp,
    /// Why the last sync was refused; the functions of the one before it stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The functions as they were sent.
    pub(crate) functions: Vec<Value>,
}

/// An app with its functions ready to be matched.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) registration: Registration,
    pub(crate) functions: Vec<Function>,
}

/// What a worker's sync asks for, decoded.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SyncRequest {
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) app_name: String,
    #[serde(default)]
    pub(crate) sdk: String,
    #[serde(default)]
    pub(crate) functions: Option<Vec<Value>>,
    /// Of the whole payload.
    #[serde(skip)]
    pub(crate) checksum: String,
}

impl SyncRequest {
    /// Decodes the body of a sync; the error is the decoder's.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let mut json: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if let Some(members) = json.as_object_mut() {
            // Telemetry of the SDK, no part of what it registers.
            members.remove("featureObservations");
        }
        let checksum = hex::encode(Sha256::digest(json.to_string()));
        let request: Self = serde_json::from_value(json).map_err(|error| error.to_string())?;
        Ok(Self { checksum, ..request })
    }
}

impl App {
    /// Reads an app's functions; the error lists everything that is wrong with them, or what cannot be decoded.
    pub(crate) fn new(registration: Registration) -> Result<Self, Fault> {
        let (mut functions, mut faults) = (Vec::<Function>::new(), Vec::new());
        for json in &registration.functions {
            match Function::parse(&registration.name, json) {
                Ok(function) => {
                    // Of two functions with one id the last one wins, as on the real server.
                    functions.retain(|other| other.slug != function.slug);
                    functions.push(function);
                }
                Err(Fault::Invalid(fault)) => faults.push(fault),
                Err(undecodable @ Fault::Undecodable(_)) => return Err(undecodable),
            }
        }
        if faults.is_empty() {
            Ok(Self { registration, functions })
        } else {
            let faults = format!("{} errors occurred: * {}", faults.len(), faults.join(" * "));
            Err(Fault::Invalid(faults))
        }
    }

    /// The id the API shows.
    pub(crate) fn uuid(&self) -> String {
        uuid_of(&self.registration.name)
    }

    /// The function with this slug.
    pub(crate) fn function(&self, slug: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.slug == slug)
    }
}

/// The id the API shows for an app of this name.
pub(crate) fn uuid_of(app: &str) -> String {
    identity(&["app", app])
}
