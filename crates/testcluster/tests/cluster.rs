//! The fixture keeps its own promises: on the shared cluster, and on one that is broken on purpose.
//!
//! The first run on a machine builds the cluster's binary, which takes minutes.

use std::{path::Path, time::Duration};

use tidegate_testcluster::{Cluster, Error, FaultProxy, Options, Output, User};
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

async fn shared() -> &'static Cluster {
    match Cluster::shared().await {
        Ok(cluster) => cluster,
        Err(error) => panic!("{error}"),
    }
}

/// What kubectl complains about; it must fail.
fn complaint(result: Result<Output, Error>) -> String {
    match result {
        Err(Error::Kubectl { stderr, .. }) => stderr,
        other => panic!("kubectl should have failed: {other:?}"),
    }
}

fn is_running(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// Who the API server takes the bearer of this token for; kubectl uses nothing else.
async fn whoami(cluster: &Cluster, token: &str) -> Result<Output, Error> {
    let ca = cluster.dir().join("pki/ca.crt").display().to_string();
    let address = ["--kubeconfig", "/dev/null", "--server", cluster.server()];
    let credential = ["--certificate-authority", &ca, "--token", token];
    let question = [
        "auth",
        "whoami",
        "-o",
        "jsonpath={.status.userInfo.username}",
    ];
    cluster
        .kubectl(&[address, credential, question].concat())
        .await
}

#[tokio::test]
async fn each_test_gets_its_namespace_and_users_have_their_rights() {
    let cluster = shared().await;
    let first = cluster.namespace("rights").await.expect("namespace");
    let second = cluster.namespace("rights").await.expect("namespace");
    assert_ne!(first, second);

    let manifest = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: tide, namespace: {first}}}, data: {{level: high}}}}"
    );
    cluster.apply(&manifest).await.expect("apply");
    let get = [
        "get",
        "configmap",
        "tide",
        "-n",
        &first,
        "-o",
        "jsonpath={.data.level}",
    ];
    for user in [User::Admin, User::AdminCert, User::Rotating, User::Viewer] {
        let output = cluster.kubectl_as(user, &get).await.expect("may read");
        assert_eq!(output.stdout, "high", "as {user:?}");
    }
    assert!(complaint(cluster.kubectl_as(User::Nobody, &get).await).contains("forbidden"));
    let delete = ["delete", "configmap", "tide", "-n", &first];
    assert!(complaint(cluster.kubectl_as(User::Viewer, &delete).await).contains("forbidden"));
}

#[tokio::test]
async fn controllers_make_pods_of_deployments() {
    let cluster = shared().await;
    let namespace = cluster.namespace("pods").await.expect("namespace");
    let create = [
        "create",
        "deployment",
        "web",
        "--image=none",
        "--replicas=2",
        "-n",
        &namespace,
    ];
    cluster.kubectl(&create).await.expect("create");
    let deadline = Instant::now() + Duration::from_secs(20);
    let list = ["get", "pods", "-n", &namespace, "-o", "name"];
    while cluster
        .kubectl(&list)
        .await
        .expect("list")
        .stdout
        .lines()
        .count()
        != 2
    {
        assert!(Instant::now() < deadline, "no pods");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_minted_token_is_refused_after_its_life() {
    let cluster = shared().await;
    let namespace = cluster.namespace("token").await.expect("namespace");
    let user = format!("system:serviceaccount:{namespace}:default");
    let long = Duration::from_secs(600);
    let long = cluster
        .mint_token(&namespace, "default", long)
        .await
        .expect("mint");
    assert_eq!(whoami(cluster, &long).await.expect("long").stdout, user);

    let short = Duration::from_secs(5);
    let short = cluster
        .mint_token(&namespace, "default", short)
        .await
        .expect("mint");
    assert_eq!(whoami(cluster, &short).await.expect("short").stdout, user);
    let deadline = Instant::now() + Duration::from_secs(25); // 5 s of life, 10 s of cache, and air
    while whoami(cluster, &short).await.is_ok() {
        assert!(Instant::now() < deadline, "still accepted");
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(
        whoami(cluster, &long).await.expect("long, still").stdout,
        user
    );
}

#[tokio::test]
async fn a_minted_certificate_is_refused_after_its_life_and_can_be_renewed() {
    let cluster = shared().await;
    let mint =
        |seconds| cluster.mint_cert("carol", &["system:masters"], Duration::from_secs(seconds));
    let minted = mint(8).await.expect("mint");
    let kubeconfig = minted.kubeconfig.display().to_string();
    let get = ["--kubeconfig", &kubeconfig, "get", "namespaces"];
    cluster.kubectl(&get).await.expect("fresh");
    let deadline = Instant::now() + Duration::from_secs(12);
    while cluster.kubectl(&get).await.is_ok() {
        assert!(Instant::now() < deadline, "still accepted");
        sleep(Duration::from_millis(500)).await;
    }
    assert!(complaint(cluster.kubectl(&get).await).contains("Unauthorized"));
    mint(60).await.expect("mint");
    cluster.kubectl(&get).await.expect("renewed");
}

#[tokio::test]
async fn a_proxy_stands_in_front_of_the_api_server() {
    let cluster = shared().await;
    let proxy = FaultProxy::start(cluster.address()).await.expect("proxy");
    let kubeconfig = cluster
        .kubeconfig_via(User::Admin, proxy.address())
        .await
        .expect("write");
    let kubeconfig = kubeconfig.display().to_string();
    let get = [
        "--kubeconfig",
        &kubeconfig,
        "--request-timeout=3s",
        "get",
        "namespaces",
    ];
    cluster
        .kubectl(&get)
        .await
        .expect("passes, and its certificate is good");
    assert!(proxy.counters().bytes_down > 1000, "{:?}", proxy.counters());
    proxy.stall();
    complaint(cluster.kubectl(&get).await);
    proxy.resume();
    cluster.kubectl(&get).await.expect("passes again");
}

#[tokio::test]
async fn data_outlives_the_processes_and_history_can_be_forgotten() {
    let options = Options {
        audit: true,
        ..Options::default()
    };
    let cluster = Cluster::start_with(options).await.expect("start");
    let get = ["get", "configmap", "tide", "-o", "name"];
    cluster
        .kubectl(&["create", "configmap", "tide"])
        .await
        .expect("create");

    cluster.apiserver().kill().await.expect("kill");
    complaint(cluster.kubectl(&get).await);
    cluster.apiserver().start().await.expect("start");
    assert!(matches!(
        cluster.apiserver().start().await,
        Err(Error::Command { .. })
    ));
    cluster.kubectl(&get).await.expect("after kill");

    cluster.apiserver().pause().await.expect("pause");
    let hasty = ["--request-timeout=1s", "get", "namespaces"];
    complaint(cluster.kubectl(&hasty).await);
    cluster.apiserver().resume().await.expect("resume");
    cluster.kubectl(&get).await.expect("after pause");

    cluster.restart_etcd().await.expect("etcd");
    cluster.kubectl(&get).await.expect("after etcd");

    let watch = [
        "get",
        "--raw",
        "/api/v1/namespaces?watch=1&resourceVersion=1&timeoutSeconds=1",
    ];
    let revision = cluster.compact_etcd().await.expect("compact");
    assert!(cluster.forget_history().await.expect("forget") >= revision);
    let answer = cluster.kubectl(&watch).await.expect("watch").stdout;
    assert!(answer.contains("\"code\":410"), "{answer}");

    let old = cluster
        .token_of(User::Rotating)
        .expect("has one")
        .to_owned();
    assert_eq!(
        whoami(&cluster, &old).await.expect("old").stdout,
        "rotating"
    );
    let new = cluster.rotate_token(User::Rotating).await.expect("rotate");
    cluster.apiserver().restart().await.expect("restart");
    assert!(complaint(whoami(&cluster, &old).await).contains("Unauthorized"));
    assert_eq!(
        whoami(&cluster, &new.token).await.expect("new").stdout,
        "rotating"
    );
    cluster
        .kubectl_as(User::Rotating, &get)
        .await
        .expect("its kubeconfig follows");

    let audit = std::fs::read_to_string(cluster.audit_log().expect("on")).expect("read");
    assert!(audit.contains("/api/v1/namespaces/default/configmaps/tide"));
    cluster.stop().await;
}

#[tokio::test]
async fn no_process_and_no_file_stays_behind() {
    let small = Options {
        controller_manager: false,
        ..Options::default()
    };
    let cluster = Cluster::start_with(small.clone()).await.expect("start");
    let (dir, pids) = (
        cluster.dir().to_owned(),
        cluster.pids().await.expect("status"),
    );
    assert_eq!(pids.len(), 3, "{pids:?}");
    assert!(pids.iter().all(|(_, pid)| is_running(*pid)));
    cluster.stop().await;
    assert!(!pids.iter().any(|(_, pid)| is_running(*pid)));
    assert!(!dir.exists());

    let cluster = Cluster::start_with(small).await.expect("start");
    let pids = cluster.pids().await.expect("status");
    let supervisor = pids
        .iter()
        .find(|(name, _)| name == "supervisor")
        .expect("is one")
        .1;
    let kill = Command::new("kill")
        .args(["-9", &supervisor.to_string()])
        .status()
        .await;
    assert!(kill.expect("kill").success());
    let deadline = Instant::now() + Duration::from_secs(5);
    while pids
        .iter()
        .any(|(_, pid)| *pid != supervisor && is_running(*pid))
    {
        assert!(Instant::now() < deadline, "children outlive the supervisor");
        sleep(Duration::from_millis(20)).await;
    }
    let dir = cluster.dir().to_owned();
    drop(cluster);
    std::fs::remove_dir_all(dir).expect("a killed supervisor cannot tidy up");
}

#[tokio::test]
async fn a_failed_start_says_why() {
    let apiserver_arguments = vec!["--no-such-flag".to_owned()];
    let options = Options {
        apiserver_arguments,
        ..Options::default()
    };
    let error = Cluster::start_with(options)
        .await
        .expect_err("cannot start");
    assert!(error.to_string().contains("no-such-flag"), "{error}");
}
