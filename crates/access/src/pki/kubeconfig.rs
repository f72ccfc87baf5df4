//! The file that tells kubectl where the server is and who the user is.

use super::{Authority, Identity};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

impl Authority {
    /// A kubeconfig for the user of a certificate. To be written with [`write_secret`](super::write_secret).
    #[must_use]
    pub fn kubeconfig(&self, server_url: &str, user: &str, identity: &Identity) -> SecretString {
        // JSON's texts are YAML's too.
        let server = Value::from(server_url);
        let context = Value::from(format!("{user}@tidegate"));
        let user = Value::from(user);
        let authority = STANDARD.encode(self.ca_pem());
        let certificate = STANDARD.encode(&identity.cert_pem);
        let key = STANDARD.encode(identity.key_pem.expose_secret());
        format!(
            "apiVersion: v1
kind: Config
clusters:
- name: tidegate
  cluster:
    server: {server}
    certificate-authority-data: {authority}
contexts:
- name: {context}
  context:
    cluster: tidegate
    user: {user}
current-context: {context}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"
        )
        .into()
    }
}
