"""wechatpy as its users use it: one JSON question a line comes in, what it makes of the answer goes out.

Started with BASE_URL APPID SECRET. wechatpy knows no base URL for tokens: it asks api.weixin.qq.com, whatever API_BASE_URL
says, so the one method that does so is told the address here, as its documentation has people do for other hosts.
"""

import json
import sys

from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

base_url, appid, secret = sys.argv[1:4]


class Client(WeChatClient):
    API_BASE_URL = base_url + "/"

    def fetch_access_token(self):
        return self._fetch_access_token(
            url=base_url + "/cgi-bin/token",
            params={"grant_type": "client_credential", "appid": self.appid, "secret": self.secret},
        )


def ask(client, question):
    try:
        answer = client.post(question["path"], data=question["body"])
    except WeChatClientException as error:
        return {"raised": type(error).__name__, "errcode": error.errcode, "errmsg": error.errmsg}
    except Exception as error:  # what its users have to expect besides
        return {"raised": type(error).__name__}
    if isinstance(answer, dict):
        return {"answer": answer}
    return {"other": type(answer).__name__}


def main():
    client = Client(appid, secret, timeout=20)
    for line in sys.stdin:
        print(json.dumps(ask(client, json.loads(line))), flush=True)


main()
