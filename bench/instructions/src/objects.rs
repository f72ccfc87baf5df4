//! Pods as a server sends them, the same ones on every run.
//!
//! Small, but with all that costs time: managedFields to cut, labels, owners, escapes, nesting.

/// One Pod's JSON. Forty follow one template, as the replicas of a ReplicaSet do.
pub(crate) fn pod(number: u64) -> String {
    let (app, replica) = (number / 40, scramble(number));
    let (a, b, minute) = (replica % 250, (replica >> 8) % 250, replica % 60);
    let managed = r#"{"manager":"kubelet","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:type":{}}}}}}"#;
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"app-{app}-{replica:08x}","namespace":"team-{team}","uid":"{replica:08x}-0000-4000-8000-{number:012x}","resourceVersion":"{version}","generation":1,"creationTimestamp":"2026-01-01T00:{minute:02}:00Z","labels":{{"app":"app-{app}","pod-template-hash":"{app:08x}"}},"annotations":{{"note":"says \"hello\", \u00e9t\u00e9"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"app-{app}","uid":"{app:08x}-0000-4000-8000-000000000000","controller":true,"blockOwnerDeletion":true}}],"managedFields":[{managed},{managed}]}},"spec":{{"containers":[{{"name":"main","image":"registry.example.com/app-{app}:1.{team}","ports":[{{"containerPort":8080,"protocol":"TCP"}}],"env":[{{"name":"MODE","value":"production"}},{{"name":"WORKERS","value":"4"}}],"resources":{{"limits":{{"cpu":"500m","memory":"256Mi"}},"requests":{{"cpu":"100m","memory":"128Mi"}}}},"terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent"}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","nodeName":"node-{a}","schedulerName":"default-scheduler"}},"status":{{"phase":"Running","conditions":[{{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:{minute:02}:09Z"}}],"hostIP":"10.0.{b}.1","podIP":"10.1.{a}.{b}","startTime":"2026-01-01T00:{minute:02}:01Z","qosClass":"Burstable"}}}}"#,
        team = app % 7,
        version = 1_000_000 + number,
    )
}

/// Which Pods follow the same template.
pub(crate) fn template(number: u64) -> u64 {
    scramble(number / 40)
}

/// Looks random, and isn't.
fn scramble(number: u64) -> u64 {
    (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}
