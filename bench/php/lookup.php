<?php
// The page that the PBX maker's documentation asks an integrator to write: look the number up, answer six fields.
//
// Written as a good integrator would: a prepared statement, a persistent connection, a constant-time token check.

if (!hash_equals($_SERVER['BENCH_TOKEN'], $_GET['token'] ?? '')) {
    http_response_code(403);
    exit;
}

$database = new PDO($_SERVER['BENCH_DATABASE'], 'root', '', [
    PDO::ATTR_PERSISTENT => true,
    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
]);
$statement = $database->prepare('SELECT * FROM contacts WHERE telephone = ? LIMIT 1');
$statement->execute([$_GET['telephone'] ?? '']);
$contact = $statement->fetch(PDO::FETCH_ASSOC);

$response = [
    'id' => null,
    'name' => null,
    'queue_position' => null,
    'direct_line' => null,
    'backend_link' => null,
    'route_identifier' => null,
];
if ($contact) {
    $response['id'] = (int) $contact['id'];
    $response['name'] = $contact['name'];
    $response['backend_link'] = 'https://your-crm.com/example-popup?id=' . $contact['id'];
}

header('Content-Type: application/json');
echo json_encode($response, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
