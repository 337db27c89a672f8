"""What kuryr-libnetwork asks Neutron when it loads, and what it hears."""

import http.server
import json


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({
            'extensions': [{'alias': alias} for alias in (
                'subnet_allocation', 'tag', 'tag-ext', 'standard-attr-tag')],
            'subnetpools': []}).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(('127.0.0.1', 9696), Handler).serve_forever()
