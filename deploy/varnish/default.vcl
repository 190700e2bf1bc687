# The shop's edge: public pages are kept until a key is purged; everything else passes. docs/caching.md says why.
# Sockets by name: public=...,HTTP; proxy=...,PROXY (behind what ends TLS); purge=...,HTTP (for the shop alone).
vcl 4.1;

import std;
import xkey;

# backend origin (with a probe) and backend origin_of_private.
include "backend.vcl";

# X-Edge goes from one round of a request to the next: the first lookup -> fresh (an old page is there, a new one is
# wanted) -> stale (there is no new one).

sub vcl_recv {
    if (req.restarts == 0) {
        call trust_nobody;
    }
    call tell_the_log;
    if (local.socket == "purge") {
        call answer_the_shop;
    }
    if (req.restarts > 0) {
        return (hash);
    }
    if (req.method != "GET" && req.method != "HEAD" && req.method != "POST") {
        return (synth(405));
    }
    if (!req.http.Host) {
        return (synth(400));
    }
    # Refused before it is sent on: the gateway, which allows as much, would break the connection off.
    if (std.integer(req.http.Content-Length, 0) > 64000 && req.url !~ "^/staff") {
        return (synth(413));
    }
    set req.http.Host = std.tolower(req.http.Host);
    if (req.method == "POST" && !req.http.Transfer-Encoding && req.http.Content-Length !~ "[1-9]") {
        # Sent over a kept connection that is just being cut, Varnish would send it again, and it may have been heard
        # the first time. What has a body is never sent twice. The shop's own forms all have fields.
        return (synth(400));
    }
    if (req.method == "POST" || req.http.Transfer-Encoding || (req.http.Content-Length && req.http.Content-Length != "0")) {
        # Forms; and bodies with a GET, which are dropped in vcl_backend_fetch.
        call pass_it;
    }
    # Ordinary letters only: no dot segments, no ; and no encoded slash, dot or NUL, which others might read otherwise.
    # Percent signs stand for letters beyond ASCII alone.
    if (req.url !~ "^/(|search|robots\.txt|sitemap\.xml|(p|c|collections|pages|sitemaps|feeds|static|media)(/([A-Za-z0-9_~-]|%[89A-Fa-f][0-9A-Fa-f]|\.(?!\.))+)+)(\?|$)") {
        call pass_it;
    }
    unset req.http.Cookie;
    unset req.http.Authorization;
    call keep_known_keys;
    set req.backend_hint = origin;
    return (hash);
}

sub pass_it {
    set req.backend_hint = origin_of_private;
    return (pass);
}

sub answer_the_shop {
    if (req.method == "PURGE" && req.http.Surrogate-Key) {
        set req.http.X-Gone = xkey.purge(req.http.Surrogate-Key);
        return (synth(200, "Purged"));
    }
    if (req.method == "GET" && req.url == "/cdn-health") {
        return (synth(200, "Alive"));
    }
    return (synth(404));
}

# What a visitor may not say, because somebody behind us might believe it; and what we say instead.
sub trust_nobody {
    unset req.http.X-Edge;
    unset req.http.Forwarded;
    unset req.http.X-Forwarded-Host;
    unset req.http.X-Forwarded-Port;
    unset req.http.X-Forwarded-Prefix;
    unset req.http.X-Forwarded-Scheme;
    unset req.http.X-Forwarded-Server;
    unset req.http.X-Forwarded-Uri;
    unset req.http.X-Host;
    unset req.http.X-Original-Host;
    unset req.http.X-Original-URL;
    unset req.http.X-Rewrite-URL;
    unset req.http.X-HTTP-Method;
    unset req.http.X-HTTP-Method-Override;
    unset req.http.X-Method-Override;
    unset req.http.X-Real-IP;
    unset req.http.True-Client-IP;
    unset req.http.CF-Connecting-IP;
    set req.http.X-Forwarded-For = client.ip;
    if (local.socket == "proxy") {
        set req.http.X-Forwarded-Proto = "https";
    } else {
        set req.http.X-Forwarded-Proto = "http";
    }
    if (req.http.X-Request-Id !~ "^[A-Za-z0-9._-]{8,64}$") {
        set req.http.X-Request-Id = "e" + std.time2integer(now, 0) + "-" + req.xid + "-" + std.real2integer(std.random(0, 4294967295), 0);
    }
}

# For varnishncsa (log.format): in each round, because it knows the last one only. What opens something is cut short.
sub tell_the_log {
    if (local.socket == "purge" && req.url == "/cdn-health") {
        std.log("quiet:");
    }
    std.log("request:" + req.http.X-Request-Id);
    std.log("path:" + regsuball(regsub(req.url, "\?.*", ""), "(/account/resets/).*|([0-9a-f]{8})[0-9a-f]{24}", "\1\2*"));
}

# Only the keys that a page reads, in one order: others neither miss nor make new objects. A test compares these
# lists with the code. Lists read the code of any facet, which is a slug, so that all slugs stay but known trackers.
sub keep_known_keys {
    set req.url = regsub(req.url, "\?", "?&");
    if (req.url ~ "^/p/") {
        set req.url = regsuball(req.url, "&(?!(v|option1|option2|option3)=)[^&]*", "");
    } elsif (req.url ~ "^/(c|collections|search)[/?]") {
        set req.url = regsuball(req.url, "&(?!(?!(dclid|fbclid|gbraid|gclid|gclsrc|igshid|msclkid|srsltid|ttclid|twclid|wbraid|yclid)=)[a-z0-9-]{1,60}=)[^&]*", "");
    } else {
        set req.url = regsub(req.url, "\?.*", "");
    }
    set req.url = regsub(req.url, "\?&", "?");
    set req.url = std.querysort(regsub(req.url, "^([^?]*)\?$", "\1"));
}

sub vcl_hit {
    # Stale while it is fetched anew: as long as the page itself allows. Later only if there is nothing better.
    if (obj.ttl + std.duration(obj.http.X-Edge-Revalidate, 0s) <= 0s && req.http.X-Edge != "stale" && std.healthy(origin)) {
        set req.grace = 0s;
        set req.http.X-Edge = "fresh";
        return (restart);
    }
    return (deliver);
}

sub vcl_backend_fetch {
    if (bereq.method == "GET" || bereq.method == "HEAD") {
        unset bereq.body;
    }
    return (fetch);
}

sub vcl_backend_response {
    if (bereq.uncacheable) {
        return (deliver);
    }
    if (beresp.status >= 500) {
        call keep_the_old_page;
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
        set beresp.grace = 0s;
        return (deliver);
    }
    if (beresp.http.Set-Cookie) {
        std.log("edge: Set-Cookie with a public page: " + bereq.url);
        call do_not_keep;
    }
    if (beresp.http.Vary && beresp.http.Vary !~ "(?i)^accept-encoding$") {
        std.log("edge: Vary with a public page: " + bereq.url);
        call do_not_keep;
    }
    if (beresp.status != 200 || beresp.http.Cache-Control !~ "(?i)(^|[ ,])public([ ,]|$)"
        || beresp.http.Cache-Control ~ "(?i)no-store|no-cache|private") {
        call do_not_keep;
    }
    # The marker: keys and a time of our own, or an address that never changes its content.
    if (!(beresp.http.Surrogate-Key ~ "\S" && beresp.http.Cache-Control ~ "s-maxage=[1-9]") && beresp.http.Cache-Control !~ "immutable") {
        call do_not_keep;
    }
    set beresp.http.xkey = beresp.http.Surrogate-Key;
    unset beresp.http.X-Request-Id;
    set beresp.http.X-Edge-Revalidate = "0s";
    if (beresp.http.Cache-Control ~ "stale-while-revalidate=\d+") {
        set beresp.http.X-Edge-Revalidate = regsub(beresp.http.Cache-Control, "^.*stale-while-revalidate=(\d+).*$", "\1s");
    }
    set beresp.grace = std.duration(regsub(beresp.http.Cache-Control, "^.*stale-if-error=(\d+).*$", "\1s"), 0s);
    if (beresp.grace < std.duration(beresp.http.X-Edge-Revalidate, 0s)) {
        set beresp.grace = std.duration(beresp.http.X-Edge-Revalidate, 0s);
    }
    return (deliver);
}

# An answer of any kind would replace it.
sub keep_the_old_page {
    if (bereq.is_bgfetch || bereq.http.X-Edge == "fresh") {
        return (abandon);
    }
}

# Remembered for two minutes as what is not kept, so that nobody waits for somebody else's answer.
sub do_not_keep {
    set beresp.uncacheable = true;
    set beresp.ttl = 120s;
    return (deliver);
}

sub vcl_backend_error {
    call keep_the_old_page;
    set beresp.http.X-Edge-Away = "yes";
    return (deliver);
}

sub vcl_deliver {
    if (resp.http.X-Edge-Away) {
        return (synth(503));
    }
    unset resp.http.X-Edge-Revalidate;
    unset resp.http.xkey;
    unset resp.http.Surrogate-Key;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    set resp.http.X-Request-Id = req.http.X-Request-Id;
    if (obj.uncacheable) {
        set resp.http.X-Cache = "pass";
    } elsif (obj.hits > 0) {
        set resp.http.X-Cache = "hit";
    } else {
        set resp.http.X-Cache = "miss";
    }
    return (deliver);
}

sub vcl_synth {
    if (req.http.X-Edge == "fresh") {
        # There is no new page: the old one, as long as stale-if-error says.
        set req.grace = 365d;
        set req.http.X-Edge = "stale";
        return (restart);
    }
    unset resp.http.Server;
    unset resp.http.X-Varnish;
    set resp.http.Cache-Control = "no-store";
    set resp.http.X-Content-Type-Options = "nosniff";
    if (local.socket == "purge") {
        set resp.http.Content-Type = "text/plain; charset=utf-8";
        if (req.http.X-Gone) {
            set resp.body = req.http.X-Gone + {"
"};
        } else {
            set resp.body = resp.reason + {"
"};
        }
        return (deliver);
    }
    set resp.http.Content-Type = "text/html; charset=utf-8";
    set resp.http.Content-Security-Policy = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    set resp.http.Referrer-Policy = "strict-origin-when-cross-origin";
    set resp.http.Permissions-Policy = "camera=(), geolocation=(), microphone=(), payment=()";
    set resp.http.Cross-Origin-Opener-Policy = "same-origin";
    set resp.http.X-Request-Id = req.http.X-Request-Id;
    set resp.http.X-Cache = "pass";
    if (resp.status == 405) {
        set resp.http.Allow = "GET, HEAD, POST";
        set req.http.X-Title = "This cannot be done here";
        set req.http.X-Words = "The address does not take that.";
    } elsif (resp.status == 413) {
        set req.http.X-Title = "That is too much";
        set req.http.X-Words = "What was sent is larger than the shop takes.";
    } elsif (resp.status < 500) {
        set req.http.X-Title = "This was not understood";
        set req.http.X-Words = "Something is missing in what your browser sent.";
    } else {
        set resp.http.Retry-After = "10";
        set req.http.X-Title = "Back in a moment";
        set req.http.X-Words = "The shop cannot be reached just now. That rarely takes longer than a minute. What is in your cart stays there. If you were placing an order, look for our mail before you try again.";
    }
    set resp.body = {"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>"} + req.http.X-Title + {"</title>
</head>
<body>
<main>
<h1>"} + req.http.X-Title + {"</h1>
<p>"} + req.http.X-Words + {"</p>
<p>Load this page again, or <a href="/">go to the home page</a>.</p>
</main>
</body>
</html>
"};
    return (deliver);
}
