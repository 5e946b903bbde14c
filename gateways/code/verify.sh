# May this request pass? The answer is a verdict: only "valid": true lets it. Set KEY to what the client sent and, where the
# doors need a token, CLAVIGER_DOOR_TOKEN to a key that holds claviger-verify.
curl -sS --max-time 5 '@DOORS_URL@/v1/verify' \
  -H 'Content-Type: application/json' -H "X-Claviger-Door: ${CLAVIGER_DOOR_TOKEN-}" -d @- <<END
{"credential": "$KEY", "method": "@METHOD@", "path": "@PATH@", "client_ip": "@CLIENT_IP@", "api": "@API@"}
END
