//! Reading a list that may be long, endless or broken.

use super::*;

#[tokio::test]
async fn a_long_list_is_read_whole() {
    for (total, size, max_in_flight) in
        [(0, 50, 4), (1, 50, 4), (50, 50, 4), (1003, 50, 16), (1003, 20, 3), (95, 10, 1)]
    {
        let server = server(move |call, _| page_of(call, total, size)).await;
        let client = build(Settings { max_in_flight, ..server.settings() });
        let heard = Mutex::new(Vec::new());
        for reading in 0..2 {
            let listing = client.list(&|progress| heard.lock().unwrap().push(progress)).await;
            assert!(listing.gap.is_none(), "{:?}", listing.gap);
            let others = usize::try_from(total.div_ceil(3)).unwrap();
            assert_eq!(listing.pending.len() + others, usize::try_from(total).unwrap(), "reading {reading}");
            assert_eq!((listing.others.len(), u64::from(listing.pages)), (others, total.div_ceil(size)));
            assert!(listing.others.iter().all(|(_, status)| status == Status::Approved));
            let last = *heard.lock().unwrap().last().unwrap();
            assert_eq!((last.pages, last.pending), (listing.pages, listing.pending.len()));
        }
        assert!(server.most_at_once.load(Ordering::SeqCst) <= max_in_flight);
        let most = 2 * (total.div_ceil(size) + 1 + max_in_flight as u64);
        assert!(server.count().1 as u64 <= most, "{} calls, {most} at most", server.count().1);
        assert!(server.calls(wire::DEVPLUGIN).iter().all(|c| c.json()["num"] == 50));
    }
}

#[tokio::test]
async fn a_page_is_tried_three_times() {
    type Make = fn() -> Reaction;
    let faults: [(&str, Make); 5] = [
        ("busy", || errcode(-1)),
        ("502", || status("502 Bad Gateway", "")),
        ("closed", || Reaction::Close),
        ("html", || json("<html>")),
        ("no page", || json("{}")),
    ];
    for (name, fault) in faults {
        for (times, whole) in [(2, true), (1000, false)] {
            let failed = AtomicUsize::new(0);
            let server = server(move |call, _| {
                if call.page() == 2 && failed.fetch_add(1, Ordering::SeqCst) < times {
                    return fault();
                }
                page_of(call, 30, 10)
            })
            .await;
            let listing = list(&server.client()).await;
            assert_eq!(listing.gap.is_none(), whole, "{name} {times}");
            assert_eq!(listing.pending.len() + listing.others.len(), if whole { 30 } else { 20 }, "{name} {times}");
            let tries = server.calls(wire::DEVPLUGIN).iter().filter(|c| c.page() == 2).count();
            assert_eq!(tries, 3, "{name} {times}");
        }
    }
}

#[tokio::test]
async fn a_token_that_expires_between_two_pages_costs_no_page() {
    let server = server(|call, _| match call.token() {
        "T0" if call.page() > 3 => errcode(42001),
        _ => page_of(call, 100, 10),
    })
    .await;
    let client = build(Settings { max_in_flight: 8, ..server.settings() });
    let listing = list(&client).await;
    assert!(listing.gap.is_none() && listing.pending.len() + listing.others.len() == 100, "{:?}", listing.gap);
    assert_eq!(server.count().0, 2);
}

#[tokio::test]
async fn an_endless_list_meets_its_ceiling() {
    let server = server(|call, _| page_of(call, u64::MAX / 2, 2)).await;
    let client = build(Settings { page_ceiling: 7, ..server.settings() });
    let listing = list(&client).await;
    assert!(matches!(listing.gap, Some(Error::Endless { pages: 7 })), "{:?}", listing.gap);
    assert_eq!((listing.pages, server.count().1), (7, 7));
}

#[tokio::test]
async fn a_hanging_page_beyond_the_end_holds_nobody_up() {
    let server = server(|call, _| match call.page() {
        1 => page_of(call, 5, 5),
        2 => json(EMPTY),
        _ => Reaction::Hang,
    })
    .await;
    let client = build(Settings { max_in_flight: 16, timeout: Duration::from_secs(600), ..server.settings() });
    assert_eq!(list(&client).await.pages, 1);
    assert_eq!(list(&client).await.pages, 1);
}
