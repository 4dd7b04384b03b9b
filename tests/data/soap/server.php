<?php
// A SOAP service of PHP's own, for the tests: run by `php -S`, which sets what is read here.
// ?style=doclit...: with that WSDL of captures/soap/wsdl, at its own address; without, a service without WSDL.
// ?name=TEXT: the name it returns; without, what it was called with.
// ?answer=map|object|json|null|fault|exception: what it returns.
ini_set('soap.wsdl_cache_enabled', '0');
if (($_SERVER['PHP_AUTH_USER'] ?? '') !== 'asdf' || ($_SERVER['PHP_AUTH_PW'] ?? '') !== '12&34+') {
    header('WWW-Authenticate: Basic realm="crm"', true, 401);
    exit;
}
$style = $_GET['style'] ?? '';
$answer = $_GET['answer'] ?? 'map';
$wsdl = null;
if ($style !== '') {
    $own = "http://{$_SERVER['HTTP_HOST']}/?" . htmlspecialchars(http_build_query(['style' => $style, 'answer' => $answer]));
    $text = file_get_contents(__DIR__ . '/../captures/soap/wsdl/' . basename($style) . '.wsdl');
    $text = str_replace('http://127.0.0.1:18777/soap/endpoint', $own, $text);
    if ($_SERVER['REQUEST_METHOD'] === 'GET') {
        header('Content-Type: text/xml');
        exit($text);
    }
    $wsdl = tempnam(sys_get_temp_dir(), 'calldex');
    file_put_contents($wsdl, $text);
}

class Service
{
    public function getCallerInfo(...$arguments)
    {
        global $answer;
        $one = $arguments[0] ?? null;
        if (is_array($one) || is_object($one)) {
            $one = (array) $one;
            $order = [$one['telephone'] ?? null, $one['dnid'] ?? null, $one['do_something'] ?? null];
        } else {
            $order = $arguments;
        }
        $seen = implode('|', array_map(fn($value) => is_bool($value) ? ($value ? 'true' : 'false') : (string) $value, $order));
        if ($answer === 'map' && $seen !== '' && ($GLOBALS['style'] === 'rpclit' || $GLOBALS['style'] === 'rpcenc')) {
            $answer = 'json'; // What these WSDLs declare is a text.
        }
        $caller = ['id' => 12345, 'name' => $_GET['name'] ?? $seen, 'queue_position' => null, 'backend_link' => ''];
        return match ($answer) {
            'map' => $caller,
            'object' => (object) $caller,
            'json' => json_encode($caller),
            'null' => null,
            'fault' => throw new SoapFault('Server', "no customer with $seen, password 12&34+"),
            'exception' => throw new Exception('boom'),
        };
    }

    public function sendCallInfo(...$arguments)
    {
        $file = sys_get_temp_dir() . "/calldex-calls-{$_SERVER['SERVER_PORT']}";
        file_put_contents($file, json_encode($arguments) . "\n", FILE_APPEND);
        return true;
    }
}

$version = ($_GET['version'] ?? '') === '1.2' || $style === 'doclit12' ? SOAP_1_2 : SOAP_1_1;
$server = new SoapServer($wsdl, $wsdl ? ['cache_wsdl' => WSDL_CACHE_NONE] : ['uri' => 'urn:callerdata', 'soap_version' => $version]);
$server->setClass('Service');
try {
    $server->handle();
} finally {
    if ($wsdl) unlink($wsdl);
}
