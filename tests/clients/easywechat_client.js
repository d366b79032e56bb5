// node-easywechat as its users use it: one JSON question a line comes in, what it makes of the answer goes out.
//
// Started with MODULE BASE_URL APPID SECRET CACHE_DIR. Its file cache keeps access tokens in files, by default in the
// directory it is started in; here in CACHE_DIR. A question {"refresh": true} asks it for a new token.
'use strict';

const readline = require('readline');
const [module_path, base_url, appid, secret, cache] = process.argv.slice(2);
const { MiniApp } = require(module_path);

const app = new MiniApp({
  app_id: appid,
  secret: secret,
  use_stable_access_token: true,
  http: { baseURL: base_url + '/', timeout: 20000 },
  file_cache: { path: cache },
});

async function ask(question) {
  try {
    if (question.refresh) {
      await app.getAccessToken().refresh();
      return { answer: {} };
    }
    const response = await app.getClient().postJson(question.path, question.body);
    return { failed: response.isFailed(), status: response.getStatusCode(), answer: response.toObject() };
  } catch (error) {
    return { raised: error.code || error.name, message: error.message };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await ask(JSON.parse(line))));
  }
}

main();
