//! Users with static tokens, from a file as `--token-auth-file` of kube-apiserver takes it: `token,user,uid,"group,…"`.

use crate::{
    csv::{CsvError, records},
    digest::Digest,
    user::User,
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// No file of users is longer.
const FILE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Static tokens and their users. Keeps only the tokens' digests.
#[derive(Debug, Default)]
pub struct TokenFile {
    users: HashMap<Digest, User>,
    warnings: Vec<String>,
}

/// Why a file of tokens can't be used. Nothing of its content is told.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// The system refused.
    #[error("token file '{}': {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not CSV, or not text.
    #[error("token file '{}': {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Where.
        source: CsvError,
    },
    /// A line with too few columns.
    #[error("token file '{}', line {line}: must have at least 3 columns (token, user name, user uid), found {found}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// How many columns it has.
        found: usize,
    },
    /// Longer than a file of users is.
    #[error("token file '{}': longer than {FILE_MAX_BYTES} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

impl TokenFile {
    /// Reads a file. Lines with an empty token are passed over, and of two with the same token the last one counts:
    /// there are warnings of both.
    pub fn read(path: &Path) -> Result<Self, TokenFileError> {
        let owned = || path.to_owned();
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(|source| TokenFileError::Io {
                path: owned(),
                source,
            })?;
        let text = SecretString::from(text);
        if read as u64 > FILE_MAX_BYTES {
            return Err(TokenFileError::TooLong { path: owned() });
        }
        let records = records(text.expose_secret()).map_err(|source| TokenFileError::Csv {
            path: owned(),
            source,
        })?;
        let mut tokens = Self::default();
        for (line, fields) in records {
            let [token, name, uid, rest @ ..] = fields.as_slice() else {
                let found = fields.len();
                return Err(TokenFileError::Columns {
                    path: owned(),
                    line,
                    found,
                });
            };
            let place = format!("token file '{}', line {line}", path.display());
            if token.is_empty() {
                tokens.warnings.push(format!("{place}: the token is empty"));
                continue;
            }
            let groups = rest
                .first()
                .map(|groups| groups.split(',').map(str::to_owned).collect());
            let user = User {
                name: name.clone(),
                uid: uid.clone(),
                groups: groups.unwrap_or_default(),
                ..User::default()
            };
            if tokens.insert(token, user).is_some() {
                tokens
                    .warnings
                    .push(format!("{place}: the token was there before"));
            }
        }
        Ok(tokens)
    }

    /// Gives a token to a user. Returns whose it was.
    pub fn insert(&mut self, token: &str, user: User) -> Option<User> {
        self.users.insert(Digest::of(token.as_bytes()), user)
    }

    /// What is odd about the file, for the log.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The user of a token.
    pub(crate) fn user(&self, token: &str) -> Option<&User> {
        if self.users.is_empty() {
            return None;
        }
        self.users.get(&Digest::of(token.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::TokenFile;
    use std::{fs, process};

    #[test]
    fn files_are_read_as_kube_apiserver_does() {
        fn check(name: &str, text: &str, token: &str, expect: &str) {
            let path = std::env::temp_dir().join(format!("tidegate-{}-{name}.csv", process::id()));
            fs::write(&path, text).expect("a file");
            let read = TokenFile::read(&path);
            fs::remove_file(&path).expect("a file");
            let found = match read {
                Ok(tokens) => {
                    assert!(!format!("{tokens:?}").contains("secret"), "{tokens:?}");
                    let user = tokens.user(token).map_or("nobody".to_owned(), |user| {
                        format!("{} {} {:?}", user.name, user.uid, user.groups)
                    });
                    match tokens.warnings() {
                        [] => user,
                        warnings => format!("{user} {warnings:?}"),
                    }
                }
                Err(error) => error.to_string(),
            };
            let found = found.replace(&path.display().to_string(), "F");
            assert_eq!(found, expect, "{text:?}");
        }
        check("one", "secret,alice,7\n", "secret", "alice 7 []");
        check(
            "two",
            "secret,alice,7,\"a,b\"\nother,bob,8,c\n",
            "secret",
            r#"alice 7 ["a", "b"]"#,
        );
        check(
            "two-b",
            "secret,alice,7,\"a,b\"\nother,bob,8,c\n",
            "other",
            r#"bob 8 ["c"]"#,
        );
        check(
            "more",
            "secret,alice,7,g,more,columns",
            "secret",
            r#"alice 7 ["g"]"#,
        );
        check("none", "secret,alice,7\n", "Secret", "nobody");
        check("empty", "", "", "nobody");
        check(
            "skipped",
            ",alice,7\nsecret,bob,8",
            "",
            "nobody [\"token file 'F', line 1: the token is empty\"]",
        );
        check(
            "short",
            "a,b,c\n\nsecret,alice\n",
            "",
            "token file 'F', line 3: must have at least 3 columns (token, user name, user uid), found 2",
        );
        check(
            "twice",
            "a,b,c\na,d,e\n",
            "a",
            "d e [] [\"token file 'F', line 2: the token was there before\"]",
        );
        check(
            "quote",
            "a,b\"secret,c",
            "",
            "token file 'F': parse error on line 1, column 4: bare \" in non-quoted field",
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let path = std::env::temp_dir().join("tidegate-no-such-file.csv");
        let error = TokenFile::read(&path).expect_err("no file").to_string();
        assert!(
            error.starts_with(&format!("token file '{}': No such file", path.display())),
            "{error}"
        );
    }
}
