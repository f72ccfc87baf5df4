//! Promises about handlers.

use crate::support::{PATIENCE, eventually, factory_of, fresh, reach, recorder, remove, write};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};
use tidegate_informer::{Event, Handler, HandlerOptions, from_fn};
use tidegate_testcluster::{Server, User, on_both};
use tokio::time::timeout;

on_both! {
    late_handlers_are_told_everything,
    synced_comes_after_the_first_picture,
    a_handler_is_called_one_at_a_time,
    a_stuck_handler_stalls_nobody,
    a_panicking_handler_is_contained,
    removal_waits_for_the_running_call,
    resync_shows_everything_again,
}

async fn late_handlers_are_told_everything(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "late").await;
    let (early, early_told) = recorder();
    let early = informer.add_handler(early);
    reach(
        &informer,
        &write(server, &namespace, &["a", "b"], "1").await,
    )
    .await;
    let (late, late_told) = recorder();
    let late = informer.add_handler(late);
    assert!(timeout(PATIENCE, late.synced()).await.expect("in time"));
    assert_eq!(
        *late_told.lock().expect("no panic"),
        ["added a initially", "added b initially", "synced"]
    );
    write(server, &namespace, &["b"], "2").await;
    remove(server, &namespace, "a").await;
    eventually("both handlers heard of the deletion", || {
        early.delivered() == 5 && late.delivered() == 5
    })
    .await;
    assert_eq!(
        late_told.lock().expect("no panic")[3..],
        ["updated b to 2", "deleted a"]
    );
    assert_eq!(
        *early_told.lock().expect("no panic"),
        [
            "synced",
            "added a",
            "added b",
            "updated b to 2",
            "deleted a"
        ]
    );
}

async fn synced_comes_after_the_first_picture(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "synced").await;
    reach(&informer, &write(server, &namespace, &["a"], "1").await).await;
    let (go, wait) = mpsc::channel::<()>();
    let registration = informer.add_handler(from_fn(move |event| {
        if matches!(event, Event::Added { .. }) {
            let _closed = wait.recv();
        }
    }));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!registration.has_synced(), "delivered is not processed");
    go.send(()).expect("the handler waits");
    assert!(
        timeout(PATIENCE, registration.synced())
            .await
            .expect("in time")
    );
}

async fn a_handler_is_called_one_at_a_time(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "serial").await;
    let (inside, overlaps) = (AtomicBool::new(false), Arc::new(AtomicU32::new(0)));
    let seen = Arc::clone(&overlaps);
    let registration = informer.add_handler(from_fn(move |_| {
        if inside.swap(true, Ordering::SeqCst) {
            seen.fetch_add(1, Ordering::SeqCst);
        }
        std::thread::sleep(Duration::from_millis(5));
        inside.store(false, Ordering::SeqCst);
    }));
    let names: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    write(server, &namespace, &names, "1").await;
    write(server, &namespace, &names, "2").await;
    eventually("the handler has caught up", || {
        registration.delivered() > 20 && registration.depth() == 0
    })
    .await;
    assert_eq!(overlaps.load(Ordering::SeqCst), 0);
}

async fn a_stuck_handler_stalls_nobody(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "stuck").await;
    let (go, wait) = mpsc::channel::<()>();
    let stuck = informer.add_handler(from_fn(move |_| {
        let _closed = wait.recv();
    }));
    let (quick, told) = recorder();
    let _quick = informer.add_handler(quick);
    for value in ["1", "2", "3"] {
        reach(&informer, &write(server, &namespace, &["a"], value).await).await;
    }
    eventually("the quick handler heard all", || {
        told.lock().expect("no panic").len() == 4
    })
    .await;
    assert_eq!(stuck.depth(), 1, "one pending change for one key");
    drop(go);
    eventually("the stuck handler goes on", || stuck.depth() == 0).await;
}

async fn a_panicking_handler_is_contained(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "panic").await;
    let (handler, told) = recorder();
    let mut handler = handler;
    let registration = informer.add_handler(from_fn(move |event: Event| match event {
        Event::Added { object, .. } if object.name() == "bad" => panic!("on purpose"),
        Event::Added { object, initial } => handler.on_add(&object, initial),
        _ => {}
    }));
    write(server, &namespace, &["bad", "good"], "1").await;
    eventually("the good one was told", || {
        told.lock().expect("no panic").len() == 1
    })
    .await;
    assert_eq!(
        (
            registration.panics(),
            told.lock().expect("no panic")[0].as_str()
        ),
        (1, "added good")
    );
    assert_eq!(informer.snapshot().len(), 2);
}

async fn removal_waits_for_the_running_call(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "removal").await;
    let (entered, is_entered) = mpsc::channel::<()>();
    let (finished, calls) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let (done, count) = (Arc::clone(&finished), Arc::clone(&calls));
    let registration = informer.add_handler(from_fn(move |event| {
        if matches!(event, Event::Added { .. }) {
            count.fetch_add(1, Ordering::SeqCst);
            entered.send(()).expect("the test waits");
            std::thread::sleep(Duration::from_millis(300));
            done.store(true, Ordering::SeqCst);
        }
    }));
    write(server, &namespace, &["a", "b", "c"], "1").await;
    tokio::task::spawn_blocking(move || is_entered.recv().expect("called"))
        .await
        .expect("joined");
    timeout(PATIENCE, registration.remove())
        .await
        .expect("in time");
    assert!(
        finished.load(Ordering::SeqCst),
        "the running call has ended"
    );
    let calls_then = calls.load(Ordering::SeqCst);
    write(server, &namespace, &["a", "b"], "2").await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        calls.load(Ordering::SeqCst),
        calls_then,
        "no call comes after it"
    );
}

async fn resync_shows_everything_again(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "resync").await;
    reach(
        &informer,
        &write(server, &namespace, &["a", "b"], "1").await,
    )
    .await;
    let (plain, plain_told) = recorder();
    let _plain = informer.add_handler(plain);
    let (handler, told) = recorder();
    let options = HandlerOptions {
        resync: Some(Duration::from_secs(1)),
        ..HandlerOptions::default()
    };
    let _registration = informer.add_handler_with(handler, options);
    eventually("a second resync", || {
        told.lock().expect("no panic").len() >= 7
    })
    .await;
    let told = told.lock().expect("no panic").clone();
    assert_eq!(told[3..7], ["resync a", "resync b", "resync a", "resync b"]);
    assert_eq!(
        plain_told.lock().expect("no panic").len(),
        3,
        "only those who asked"
    );
}
