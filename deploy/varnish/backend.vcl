# Where Caddy is. compose.yaml uses this file; whoever runs Varnish elsewhere puts a backend.vcl of the same two
# names into a folder that stands first in vcl_path (docs/caching.md).

# For public pages. While it is sick, kept pages are served stale.
backend origin {
    .host = "caddy";
    .port = "8080";
    .connect_timeout = 1s;
    .first_byte_timeout = 9.5s;
    .between_bytes_timeout = 9.5s;
    .probe = {
        .url = "/readyz";
        .interval = 1s;
        .timeout = 1s;
        # Sick after four bad answers of five: a slow moment of one app must not take every page away that is not kept.
        .window = 5;
        .threshold = 2;
        .initial = 2;
    }
}

# The same place without a probe: a cart is always tried, also when the probe had bad luck.
backend origin_of_private {
    .host = "caddy";
    .port = "8080";
    .connect_timeout = 1s;
    .first_byte_timeout = 9.5s;
    .between_bytes_timeout = 9.5s;
}
