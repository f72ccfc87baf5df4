//! Credentials made while the cluster runs, with any life span.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::{Cluster, Error, User};

/// A client certificate, from [`Cluster::mint_cert`].
#[derive(Debug, Clone, Deserialize)]
pub struct MintedCert {
    /// The certificate's file (PEM).
    pub cert: PathBuf,
    /// The key's file (PEM).
    pub key: PathBuf,
    /// A kubeconfig that names both files.
    pub kubeconfig: PathBuf,
}

/// A user's new static token, from [`Cluster::rotate_token`].
#[derive(Debug, Clone, Deserialize)]
pub struct RotatedToken {
    /// The token.
    pub token: String,
    /// A file with nothing else in it.
    pub token_file: PathBuf,
    /// The user's kubeconfig.
    pub kubeconfig: PathBuf,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

impl Cluster {
    /// Makes a token of a service account that exists.
    ///
    /// TokenRequest grants no less than ten minutes; a shorter token is signed with the cluster's
    /// key, and so dated that the API server refuses it after `ttl`. As the API server remembers a
    /// success for ten seconds, the refusal may come that much later.
    pub async fn mint_token(
        &self,
        namespace: &str,
        service_account: &str,
        ttl: Duration,
    ) -> Result<String, Error> {
        let account = format!("{namespace}/{service_account}");
        let ttl = in_words(ttl);
        let command = ["token", "mint", "--serviceaccount", &account, "--ttl", &ttl];
        self.control()
            .send(&command)
            .await
            .map(|Token { token }| token)
    }

    /// Gives a user a new static token and writes it to the user's files.
    ///
    /// The API server takes the new token, and refuses the old one, from its next start on. Any user
    /// but [`User::Admin`], whom the supervisor needs.
    pub async fn rotate_token(&self, user: User) -> Result<RotatedToken, Error> {
        self.control()
            .send(&["token", "rotate", "--user", user.name()])
            .await
    }

    /// Makes a client certificate that the API server takes until exactly `ttl` from now.
    ///
    /// Another certificate of the same user replaces the files of the first, one after the other:
    /// a reader in between finds a key that does not fit.
    pub async fn mint_cert(
        &self,
        user: &str,
        groups: &[&str],
        ttl: Duration,
    ) -> Result<MintedCert, Error> {
        let ttl = in_words(ttl);
        let mut command = vec!["cert", "mint", "--user", user, "--ttl", &ttl];
        command.extend(groups.iter().flat_map(|group| ["--group", group]));
        self.control().send(&command).await
    }
}

fn in_words(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}
