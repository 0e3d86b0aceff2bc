"""Code that is in a template: the deployment package that CloudFormation makes of it.

CloudFormation User Guide, AWS::Lambda::Function Code: "If you include your function source inline with this parameter,
CloudFormation places it in a file named index and zips it to create a deployment package." "cfn-response module": "The
module is available only when you use the ZipFile property to write your source code."
"""

from __future__ import annotations

import io
import zipfile
from typing import Final

_LONGEST: Final = 4 * 1024 * 1024

_PYTHON: Final = '''\
"""Responses of custom resources to CloudFormation."""

import json
import urllib.request

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False, reason=None):
    body = json.dumps({
        "Status": responseStatus,
        "Reason": reason or "See the details in CloudWatch Log Stream: {}".format(context.log_stream_name),
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }).encode()
    headers = {"content-type": "", "content-length": str(len(body))}
    request = urllib.request.Request(event["ResponseURL"], data=body, headers=headers, method="PUT")
    try:
        with urllib.request.urlopen(request) as response:
            print("Status code:", response.status)
    except Exception as error:
        print("send(..) failed executing http request:", error)
'''

_NODE: Final = """\
exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";

exports.send = function(event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({
      Status: responseStatus,
      Reason: "See the details in CloudWatch Log Stream: " + context.logStreamName,
      PhysicalResourceId: physicalResourceId || context.logStreamName,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      NoEcho: noEcho || false,
      Data: responseData
    });
    const url = new URL(event.ResponseURL);
    const client = require(url.protocol === "http:" ? "http" : "https");
    const headers = {"content-type": "", "content-length": Buffer.byteLength(body)};
    const request = client.request(url, {method: "PUT", headers: headers}, function(response) {
      console.log("Status code: " + parseInt(response.statusCode));
      resolve(context.done());
    });
    request.on("error", function(error) {
      console.log("send(..) failed executing request(..): " + error);
      reject(context.done(error));
    });
    request.write(body);
    request.end();
  });
};
"""

_MODULES: Final = {
    "py": ("cfnresponse", "cfnresponse.py", _PYTHON),
    "js": ("cfn-response", "node_modules/cfn-response.js", _NODE),
}


def package(source: str, runtime: str) -> bytes:
    """The zip file of `source`, the same for the same source. Raises ValueError where the runtime has no such code."""
    ending = "py" if runtime.startswith("python") else "js" if runtime.startswith("nodejs") else ""
    if not ending:
        raise ValueError("ZipFile can only be used when Runtime is set to either of nodejs, python.")
    if len(source.encode()) > _LONGEST:
        raise ValueError("ZipFile must not be larger than 4 MB")
    word, name, module = _MODULES[ending]
    files = {f"index.{ending}": source} | ({name: module} if word in source else {})
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path)  # of 1980, so that the same source is the same file
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return made.getvalue()
