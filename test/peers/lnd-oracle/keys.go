package main

import (
	"os"
	"time"

	"github.com/btcsuite/btcd/chaincfg"
	"github.com/btcsuite/btcwallet/snacl"
	"github.com/btcsuite/btcwallet/waddrmgr"
	"github.com/btcsuite/btcwallet/wallet"
	"github.com/btcsuite/btcwallet/walletdb"
	_ "github.com/btcsuite/btcwallet/walletdb/bdb"
	"github.com/lightningnetwork/lnd/aezeed"
	"github.com/lightningnetwork/lnd/keychain"
)

// deriveKeys makes a real wallet from the entropy and asks lnd's key ring for its public keys.
func deriveKeys(request struct {
	Entropy  hexBytes      `json:"entropy"`
	CoinType uint32        `json:"coinType"`
	Locators []locatorJSON `json:"locators"`
}) (map[string][]hexBytes, error) {
	folder, err := os.MkdirTemp("", "scb-oracle-")
	if err != nil {
		fatal(err)
	}
	defer os.RemoveAll(folder)

	// The wallet's own password protects nothing here, so it need not be slow.
	fast := waddrmgr.FastScryptOptions
	waddrmgr.SetSecretKeyGen(func(passphrase *[]byte, _ *waddrmgr.ScryptOptions) (
		*snacl.SecretKey, error) {

		return snacl.NewSecretKey(passphrase, fast.N, fast.R, fast.P)
	})
	params := &chaincfg.SimNetParams
	if request.CoinType == keychain.CoinTypeBitcoin {
		params = &chaincfg.MainNetParams
	}
	loader := wallet.NewLoader(params, folder, true, time.Minute, 0)
	password := []byte("test")
	made, err := loader.CreateNewWallet(password, password, request.Entropy, time.Time{})
	if err != nil {
		return nil, err
	}
	defer loader.UnloadWallet()
	if err := made.Unlock(password, nil); err != nil {
		return nil, err
	}
	if err := addLightningScope(made, request.CoinType); err != nil {
		return nil, err
	}

	keyRing := keychain.NewBtcWalletKeyRing(made, request.CoinType)
	keys := make([]hexBytes, len(request.Locators))
	for at, locator := range request.Locators {
		key, err := keyRing.DeriveKey(keychain.KeyLocator{
			Family: keychain.KeyFamily(locator.Family),
			Index:  locator.Index,
		})
		if err != nil {
			return nil, err
		}
		keys[at] = key.PubKey.SerializeCompressed()
	}
	return map[string][]hexBytes{"keys": keys}, nil
}

// addLightningScope does what lnd's wallet does when it first starts.
func addLightningScope(made *wallet.Wallet, coinType uint32) error {
	scope := waddrmgr.KeyScope{Purpose: keychain.BIP0043Purpose, Coin: coinType}
	if _, err := made.Manager.FetchScopedKeyManager(scope); err == nil {
		return nil
	}
	return walletdb.Update(made.Database(), func(tx walletdb.ReadWriteTx) error {
		_, err := made.Manager.NewScopedKeyManager(
			tx.ReadWriteBucket([]byte("waddrmgr")), scope, waddrmgr.ScopeAddrSchema{
				ExternalAddrType: waddrmgr.WitnessPubKey,
				InternalAddrType: waddrmgr.WitnessPubKey,
			},
		)
		return err
	})
}

type wordsJSON struct {
	Words      []string `json:"words"`
	Entropy    hexBytes `json:"entropy"`
	Passphrase hexBytes `json:"passphrase"`
}

// makeWords turns entropy into the words that an operator writes down.
func makeWords(request wordsJSON) (wordsJSON, error) {
	entropy := [aezeed.EntropySize]byte(request.Entropy)
	seed, err := aezeed.New(keychain.CurrentKeyDerivationVersion, &entropy, time.Now())
	if err != nil {
		return wordsJSON{}, err
	}
	mnemonic, err := seed.ToMnemonic(request.Passphrase)
	return wordsJSON{Words: mnemonic[:]}, err
}

// readWords is the way back.
func readWords(request wordsJSON) (wordsJSON, error) {
	mnemonic := aezeed.Mnemonic(request.Words)
	seed, err := mnemonic.ToCipherSeed(request.Passphrase)
	if err != nil {
		return wordsJSON{}, err
	}
	return wordsJSON{Entropy: seed.Entropy[:]}, nil
}
