//! From the connection flags to a client. Knows kubeconfig only as far as kubectl's flags reach into it.
//!
//! Without an overriding flag the client reads the kubeconfig itself, again at each renewal; the
//! flags that override parts of it need it read here, once, and then only its files are read again.

use super::{args::ConnectionArgs, units, words};
use crate::failure::Failure;
use http::Uri;
use kube::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::path::PathBuf;
use tidegate_client::{Client, ClientOptions, Impersonation, Source};

pub(super) async fn connect(arguments: &ConnectionArgs) -> Result<Client, Failure> {
    if let Some(path) = arguments.kubeconfig.as_ref().filter(|path| !path.exists()) {
        return Err(Failure::error(format!(
            "stat {}: no such file or directory",
            path.display()
        )));
    }
    let mut options = ClientOptions {
        impersonate: arguments.act_as.as_ref().map(|user| Impersonation {
            user: user.clone(),
            groups: arguments.act_as_group.clone(),
        }),
        ..ClientOptions::default()
    };
    let timeout = units::duration(&arguments.request_timeout)
        .map_err(|text| Failure::error(format!("--request-timeout: {text}")))?;
    if let Some(timeout) = timeout {
        options.response_timeout = timeout;
        options.connect_timeout = options.connect_timeout.min(timeout);
    }
    let source = source(arguments).await?;
    Client::connect(source, options)
        .await
        .map_err(|error| words::client(&error))
}

async fn source(arguments: &ConnectionArgs) -> Result<Source, Failure> {
    let overrides = arguments.server.is_some()
        || arguments.token.is_some()
        || arguments.certificate_authority.is_some()
        || arguments.insecure_skip_tls_verify
        || arguments.tls_server_name.is_some();
    if overrides {
        return overridden(arguments)
            .await
            .map(|config| Source::Config(Box::new(config)));
    }
    let chosen = arguments.kubeconfig.is_some()
        || arguments.context.is_some()
        || arguments.cluster.is_some()
        || arguments.user.is_some();
    Ok(if chosen {
        Source::Kubeconfig {
            path: arguments.kubeconfig.clone(),
            context: arguments.context.clone(),
            cluster: arguments.cluster.clone(),
            user: arguments.user.clone(),
        }
    } else {
        Source::Infer
    })
}

/// The kubeconfig, where there is one, with the flags' values put over it.
async fn overridden(arguments: &ConnectionArgs) -> Result<Config, Failure> {
    let server = arguments.server.as_deref().map(server_url).transpose()?;
    let choice = KubeConfigOptions {
        context: arguments.context.clone(),
        cluster: arguments.cluster.clone(),
        user: arguments.user.clone(),
    };
    let mut config = match (read(arguments.kubeconfig.clone()).await?, &server) {
        (Some(kubeconfig), _)
            if kubeconfig.current_context.is_some() || choice.context.is_some() =>
        {
            Config::from_custom_kubeconfig(kubeconfig, &choice)
                .await
                .map_err(|error| words::kubeconfig(&error))?
        }
        (_, Some(server)) => Config::new(server.clone()),
        _ => Config::incluster()
            .map_err(|_| Failure::error("no server is configured; use --server or a kubeconfig"))?,
    };
    if let Some(server) = server {
        config.cluster_url = server;
    }
    if let Some(token) = &arguments.token {
        config.auth_info = AuthInfo {
            token: Some(token.clone().into()),
            ..AuthInfo::default()
        };
    }
    if let Some(path) = &arguments.certificate_authority {
        if let Err(error) = std::fs::metadata(path) {
            return Err(Failure::error(format!(
                "unable to read certificate-authority {}: {error}",
                path.display()
            )));
        }
        config.root_cert = None;
        config.root_cert_file = Some(path.clone());
    }
    config.accept_invalid_certs |= arguments.insecure_skip_tls_verify;
    if arguments.tls_server_name.is_some() {
        config
            .tls_server_name
            .clone_from(&arguments.tls_server_name);
    }
    Ok(config)
}

/// Nothing where there is no kubeconfig, unless one was asked for.
async fn read(path: Option<PathBuf>) -> Result<Option<Kubeconfig>, Failure> {
    let wanted = path.is_some();
    let read = move || path.map_or_else(Kubeconfig::read, Kubeconfig::read_from);
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(kubeconfig)) => Ok(Some(kubeconfig)),
        Ok(Err(KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath)) if !wanted => Ok(None),
        Ok(Err(error)) => Err(words::kubeconfig(&error)),
        Err(_) => Err(Failure::error("reading the kubeconfig was cut off")),
    }
}

/// `host:port` means https, as with kubectl.
fn server_url(text: &str) -> Result<Uri, Failure> {
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    full.parse()
        .map_err(|error| Failure::error(format!("--server {text}: {error}")))
}
