// Makes stringify.json: what JavaScript itself makes of texts, and how a sender signs that. `node make.mjs`, in this folder.
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";

const key = "a secret of the tests";
const texts = [
  '{}', '[]', 'null', ' true ', '"a"', '0', '-0', '-0.0', '0e5', '1.0', '1.50', '100', '1e2', '1E+2', '1e-7', '0.0000001',
  '0.000001', '1e20', '1e21', '123456789012345678901234567890', '9007199254740993', '-9007199254740993', '1.7976931348623157e308',
  '1e400', '-1e400', '5e-324', '1e-400', '0.1', '0.30000000000000004', '4.35', '2.5e-10', '1.7e-5', '12345678.9', '1e5', '333333333.33333329',
  '1e23', '9.5e-7', '-1.5e+10', '0.1e1', '123e-20', '123e-2', '1.0e21', '999999999999999934469',
  '{"b":1,"a":2}', '{ "a" : [ 1 , 2 ] , "b" : { } }', '{"2":1,"1":2,"a":3,"10":4}', '{"01":1,"1":2,"-1":3,"1.5":4}',
  '{"4294967294":1,"4294967295":2,"4294967296":3,"0":4}', '{"z":1,"4294967295":2,"3":3,"y":4}',
  '{"a":1,"b":2,"a":3}', '{"a":1,"1":2,"a":{"1":1,"1":2}}', '{"__proto__":1,"constructor":2}', '{"":1," ":2}',
  '"\\u0041\\u00e9\\u2028\\u2029\\u007f"', '"\\b\\f\\n\\r\\t\\u0000\\u001f\\u000b"', '"\\/\\"\\\\"', '"é ü 漢 😀"', '"\\ud83d\\ude00"',
  '"\\ud83d"', '"\\ude00"', '"\\ude00\\ud83d"', '"a\\ud800b"', '"\\uD83D\\uDE00x"', '"\\ud83d\\ud83d\\ude00"', '{"\\ud800":1,"\\ud801":2}',
  '"<script>&amp;</script>"', '"\u2028\u2029"', '"\u007f\u0080"', '\ufeff{"a":1}', '"\ufeff"', '[[[[[[]]]]]]', '[1,[2,{"a":[null,true,false]}]]',
  '{"_links":{"self":"https://api2.frontapp.com/events/evt_1"},"id":"evt_1","type":"inbound","emitted_at":1453770984.123,"conversation":{"id":"cnv_1","subject":"Caf\\u00e9 \\u2014 r\\u00e9sum\\u00e9","tags":[]},"target":{"data":{"id":"msg_1","is_inbound":true,"body":"<p>1 \\u003c 2</p>","attachments":[]}}}',
  '{"emitted_at":1453770984.000,"n":1.10}', '\r\n{\t"a"\n:\r1 }\n',
];
const vectors = texts.map((text) => {
  const json = JSON.stringify(JSON.parse(text.replace(/^\ufeff/, "")));
  const signature = createHmac("sha1", key).update(json).digest("base64");
  return { text: Buffer.from(text, "utf8").toString("base64"), json: Buffer.from(json, "utf8").toString("base64"), signature };
});
writeFileSync("stringify.json", JSON.stringify({ node: process.version, key, vectors }, null, 1) + "\n");
