//! Reads a [`Source`] into kube's configuration, at the start and at each renewal.
//!
//! Opens files, but no connection and no credential plugin. The kubeconfig's context is pinned at
//! the first reading; whatever else its files say is read anew each time.

use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use crate::{
    error::{ClientError, kubeconfig_reason},
    no_proxy,
    options::{ClientOptions, Impersonation, Source},
};

/// Where to read from when the first reading has decided what `Source` leaves open.
#[derive(Debug, Clone)]
pub(crate) struct Pinned(Source);

impl Pinned {
    /// Decides between kubeconfig and pod, and which context, once and for all.
    pub(crate) async fn choose(source: Source) -> Result<Self, ClientError> {
        blocking(move || choose(source)).await.map(Self)
    }

    /// Reads everything again and applies the overrides.
    pub(crate) async fn load(&self, options: &ClientOptions) -> Result<Config, ClientError> {
        let source = self.0.clone();
        let mut config = match source {
            Source::Kubeconfig {
                path,
                context,
                cluster,
                user,
            } => {
                let kubeconfig = blocking(move || read(path.as_deref())).await?;
                let choice = KubeConfigOptions {
                    context,
                    cluster,
                    user,
                };
                let mut config = Config::from_custom_kubeconfig(kubeconfig, &choice).await?;
                config.proxy_url = no_proxy::applied(config.proxy_url.take(), &config.cluster_url);
                config
            }
            Source::InCluster | Source::Infer => blocking(in_cluster).await?,
            Source::Config(config) => *config,
            Source::Url(url) => Config::new(
                url.parse()
                    .map_err(|error| invalid(format!("the server is not a URL: {error}")))?,
            ),
        };
        if let Some(server) = &options.server {
            config.cluster_url = server.clone();
        }
        if let Some(namespace) = &options.namespace {
            config.default_namespace.clone_from(namespace);
        }
        if let Some(Impersonation { user, groups }) = &options.impersonate {
            config.auth_info.impersonate = Some(user.clone());
            config.auth_info.impersonate_groups = Some(groups.clone());
        }
        check_server(&config.cluster_url)?;
        Ok(config)
    }

    /// Whether reading again can bring other credentials.
    pub(crate) fn has_credentials(&self) -> bool {
        !matches!(self.0, Source::Url(_))
    }
}

fn choose(source: Source) -> Result<Source, ClientError> {
    match source {
        Source::Infer => {
            let open = Source::Kubeconfig {
                path: None,
                context: None,
                cluster: None,
                user: None,
            };
            let kubeconfig = match choose(open) {
                Ok(chosen) => return Ok(chosen),
                Err(error) => error,
            };
            match in_cluster() {
                Ok(_) => Ok(Source::InCluster),
                Err(pod) => Err(invalid(format!(
                    "neither a kubeconfig ({kubeconfig}) nor a pod ({pod})"
                ))),
            }
        }
        Source::Kubeconfig {
            path,
            context: None,
            cluster,
            user,
        } => {
            let context = read(path.as_deref())?
                .current_context
                .filter(|name| !name.is_empty());
            let context =
                context.ok_or_else(|| invalid("the kubeconfig has no current context"))?;
            Ok(Source::Kubeconfig {
                path,
                context: Some(context),
                cluster,
                user,
            })
        }
        decided @ (Source::Kubeconfig { .. }
        | Source::InCluster
        | Source::Config(_)
        | Source::Url(_)) => Ok(decided),
    }
}

fn read(path: Option<&std::path::Path>) -> Result<Kubeconfig, ClientError> {
    let kubeconfig = match path {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    kubeconfig.map_err(|error| invalid(kubeconfig_reason(&error)))
}

fn in_cluster() -> Result<Config, ClientError> {
    let mut config = Config::incluster().map_err(invalid)?;
    let namespace = config.default_namespace.trim().to_owned();
    config.default_namespace = namespace;
    Ok(config)
}

/// Refuses a login in the URL first, so that no later message can repeat it.
fn check_server(server: &http::Uri) -> Result<(), ClientError> {
    if server
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(invalid(
            "the server's URL must not hold a user name or password",
        ));
    }
    let scheme = server.scheme_str().unwrap_or_default();
    if !matches!(scheme, "http" | "https") || server.host().is_none_or(str::is_empty) {
        return Err(invalid(format!(
            "the server {server} is not a URL with http or https"
        )));
    }
    Ok(())
}

fn invalid(reason: impl ToString) -> ClientError {
    ClientError::Source {
        reason: reason.to_string(),
    }
}

/// File access away from the threads that serve connections.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // A plugin's token that cannot be a header makes kube panic, on that thread.
        Err(_) => Err(ClientError::Credentials {
            reason: "they cannot be used".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Pinned, Source};
    use crate::options::ClientOptions;

    async fn load(url: &str) -> Result<String, String> {
        let pinned = Pinned::choose(Source::Url(url.to_owned()))
            .await
            .map_err(|e| e.to_string())?;
        let config = pinned
            .load(&ClientOptions::default())
            .await
            .map_err(|e| e.to_string())?;
        Ok(config.cluster_url.to_string())
    }

    #[tokio::test]
    async fn servers_that_cannot_be() {
        assert_eq!(
            load("http://127.0.0.1:8001").await.as_deref(),
            Ok("http://127.0.0.1:8001/")
        );
        for bad in [
            "127.0.0.1:8001",
            "ftp://x",
            "",
            "http://user:secret@x",
            "ftp://user:secret@x",
            "http://user:secret@x y",
            "https://",
            "a b",
        ] {
            let error = load(bad).await.expect_err(bad);
            assert!(
                error.starts_with("cannot load the API server's configuration: "),
                "{error}"
            );
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
