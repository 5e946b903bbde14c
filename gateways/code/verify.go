// Asks Claviger whether a request may pass. It needs the standard library alone.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

const (
	doors = "@DOORS_URL@"
	api   = "@API@"
)

var client = &http.Client{Timeout: 5 * time.Second}

// MayPass is true only if Claviger says so: without an answer nobody passes.
func MayPass(key, method, path, clientIP string) bool {
	question, err := json.Marshal(map[string]string{
		"credential": key, "method": method, "path": path, "client_ip": clientIP, "api": api,
	})
	if err != nil {
		return false
	}
	request, err := http.NewRequest(http.MethodPost, doors+"/v1/verify", bytes.NewReader(question))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	// A key that holds claviger-verify, where the doors need a token.
	request.Header.Set("X-Claviger-Door", os.Getenv("CLAVIGER_DOOR_TOKEN"))
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var verdict struct {
		Valid bool `json:"valid"`
	}
	return json.NewDecoder(answer.Body).Decode(&verdict) == nil && answer.StatusCode == http.StatusOK && verdict.Valid
}

func main() {
	fmt.Println(MayPass(os.Getenv("KEY"), "@METHOD@", "@PATH@", "@CLIENT_IP@"))
}
